"""Deletes the iterators that are still alive when the interpreter ends.

TensorFlow's threads may be inside a pull, or about to begin one. When the interpreter
finalizes, a thread that needs the interpreter's lock never continues, and deleting an
iterator would wait for that thread for ever. `atexit` comes early enough.
"""

from __future__ import annotations

import atexit
import gc
import sys
import weakref
from typing import Any

import tensorflow as tf

_engines: weakref.WeakSet[Any] = weakref.WeakSet()


def watch(engine: Any) -> None:
    """Deletes the iterators over an engine when the interpreter ends."""
    _engines.add(engine)


@atexit.register
def _delete_iterators() -> None:
    if not any(engine.has_iterators for engine in list(_engines)):
        return
    # The error that has ended the program refers to frames, and they to the iterator.
    for name in ("last_exc", "last_value", "last_traceback"):
        vars(sys).pop(name, None)
    for thing in gc.get_objects():
        # Not `isinstance`, which would run code of the things, all of the program's.
        if tf.data.Iterator in type(thing).__mro__:
            vars(thing).clear()
    gc.collect()
