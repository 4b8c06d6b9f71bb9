"""Modules that train while they are imported: `import train`, for example.

Such an import waits for batches. Other threads, TensorFlow's, seq2data's or the user's,
read these batches and look up the module's classes by name. Python makes them wait for
the end of the import, which does not come. The importing thread itself gets a module
that is not complete yet, so here the other threads get it, too.

A worker that imported the module would train in its turn, in workers that import it.
So it is sent as `__main__` is: by value, as far as the source needs it, and no worker
imports it.
"""

from __future__ import annotations

import functools
import sys
from types import FrameType
from typing import Optional

from seq2data.workers.payload.setup_steps import add_step
from seq2data.workers.program_state.importable import (
    forbid_import,
    is_import_forbidden,
)


def release_modules() -> None:
    """Gives other threads the modules that this thread is importing.

    The caller is the thread that is about to wait for batches.
    """
    frame: Optional[FrameType] = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_name == "<module>":
            spec = frame.f_globals.get("__spec__")
            # The end of an import sets this attribute. There is no public name for it.
            if spec is not None and getattr(spec, "_initializing", False):
                spec._initializing = False
                _forbid(spec.name)
        frame = frame.f_back


def _forbid(name: str) -> None:
    if not is_import_forbidden(name):
        forbid_import(name)
        add_step(functools.partial(_forbid_here, name))


def _forbid_here(name: str) -> None:
    """Makes an import of the module fail, in a worker, where it would not end."""
    sys.modules.setdefault(name, None)  # type: ignore[arg-type]  # as Python defines it
