"""Waits until one of some descriptors can be read, whatever their numbers.

`select.select` takes no number above 1,023.
"""

from __future__ import annotations

import selectors
from collections.abc import Iterable
from typing import Optional

# `poll` costs no descriptor of its own; Windows has `select` alone.
_Selector = getattr(selectors, "PollSelector", selectors.SelectSelector)


def wait_readable(
    descriptors: Iterable[int], wait_s: Optional[float] = None
) -> list[int]:
    """Returns those that can be read or are at their end; none after `wait_s`."""
    with _Selector() as selector:
        for descriptor in descriptors:
            selector.register(descriptor, selectors.EVENT_READ)
        return [key.fd for key, _ in selector.select(wait_s)]
