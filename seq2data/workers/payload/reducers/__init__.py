"""Makes objects that pickle refuses again in a worker: one file for each kind.

What cannot be copied into another process can often be made there in the same way: it
is imported, opened or constructed once more. A reducer is called in the parent with the
object and returns a recipe, `(callable, args)` as `__reduce__` does; the worker calls
`callable(*args)`.

To add a reducer, read

    this file
    ../registry.py      `register`, and what a reducer may return
    hdf5.py             an example: objects of a library that may not be there
    tests/workers/payload/kinds/        the objects that the tests send

and edit: make one new file here that calls `register`, and add its name to the import
below. `register_reducer` of the same registry is for the user's own types.

Three files are used by the others: `names` (objects that pickle as a name), `instances`
(what objects hold) and `files.path_of`. `classes`, `enumerations`, `singledispatch` and
`own_generators` are called by the pickler itself, for what has no single type.
"""

from __future__ import annotations

from seq2data.workers.payload.reducers import (  # noqa: F401  # they register
    caches,
    dataclass_marks,
    descriptors,
    files,
    framework_generators,
    generators,
    hdf5,
    images,
    keras,
    locks,
    memmaps,
    modules,
    random_state,
    sqlite,
    tf_functions,
    thread_pools,
    typing_names,
    weak_references,
    wrapt_proxies,
)
