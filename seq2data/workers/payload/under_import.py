"""Modules that train while they are imported: `import train`, say.

They wait for batches inside of that import. What reads these in other threads
(TensorFlow's, ours, the user's) looks the module's classes up by its name, and Python
has it wait for the import's end: for ever. The importing thread itself is given such a
module as far as it is made; so the others are given it, too.

A worker that imported the module would train in its turn, in workers that import it. So
it is sent as `__main__` is: what the source needs of it goes along, and no worker
imports it.
"""

from __future__ import annotations

import functools
import sys
from types import FrameType
from typing import Optional

from seq2data.workers.payload.setup_steps import add_step

_names: set[str] = set()


def give_out_modules() -> None:
    """Called by the thread that is about to wait for batches."""
    frame: Optional[FrameType] = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_name == "<module>":
            spec = frame.f_globals.get("__spec__")
            # What the import's end sets. There is no public name for it.
            if spec is not None and getattr(spec, "_initializing", False):
                spec._initializing = False
                _add(spec.name)
        frame = frame.f_back


def trains_when_imported(name: str) -> bool:
    """True if a dataset was made, or read, in the import of a module."""
    return name in _names


def _add(name: str) -> None:
    if name not in _names:
        _names.add(name)
        add_step(functools.partial(_forbid, name))


def _forbid(name: str) -> None:
    """Has an import of the module fail, in a worker, where it would not end."""
    sys.modules.setdefault(name, None)  # type: ignore[arg-type]  # Python's own way to say so
