"""Sends the source, with the program's state, to the workers.

payload         `pack` makes a Payload of the source, in the parent; `load` makes the
                source of it, in a worker
pickler         cloudpickle's pickler with the recipes of `reducers`
registry        `register_reducer`, and the recipe of each type
reducers        one file for each kind of object that pickle refuses
by_value        code that a worker cannot import
submodules      a search of cloudpickle's, made fast
finalizers      `__del__` of the copies
write_watch     arrays that need no comparison, since nothing has written to them
setup_steps     functions that a worker calls before it loads the source
under_import    modules that train while they are imported
diagnosis       the message for what cannot be sent
"""

from __future__ import annotations

from seq2data.workers.payload import (  # noqa: F401  # they register
    reducers,
    submodules,
)
