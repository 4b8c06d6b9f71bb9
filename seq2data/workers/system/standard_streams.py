"""Standard input, output and error, as the program has them or as user code left them.

C libraries write messages to the descriptors 1 and 2 whatever these are; user code puts
any object in the place of `sys.stdout`.
"""

from __future__ import annotations

import contextlib
import os
import sys

_LAST = 2


def fill_standard_descriptors() -> None:
    """Opens those of the three that are closed, as in a program without a terminal.

    A socket of ours would get their numbers otherwise, and other code would write to it
    what is meant for a terminal.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= _LAST:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)


def flush_output() -> None:
    """Writes out what was printed."""
    for name in ("stdout", "stderr"):
        # It may be None, closed, full, or an object that has `write` alone. That is no
        # fault of the batch: plain indexing would not flush.
        with contextlib.suppress(Exception):
            getattr(sys, name).flush()
