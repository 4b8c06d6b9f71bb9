"""Defines types of command-line arguments that argparse does not have."""

from __future__ import annotations

import argparse
from typing import Callable


def whole_number(least: int) -> Callable[[str], int]:
    """Returns the type of an argument that is a whole number of `least` or more."""

    def parse(text: str) -> int:
        if not text.isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(
                f"must be a whole number of {least} or more; received: {text!r}"
            )
        return int(text)

    return parse
