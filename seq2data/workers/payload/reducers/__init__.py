"""How a worker gets what pickle refuses: each kind of object has a file here.

`fork` copied whatever a legacy class held. What cannot be copied into a clean process
can often be had there in the same way: imported, opened again, made anew. Recipes run
in the parent and give `(callable, args)`, which runs in the worker.

    registry      `register_reducer`, and which recipe an object has
    pickler       cloudpickle's, with the recipes
    names         what pickles as a name, and has it in a worker or not
    classes, enumerations, singledispatch    what is sent of code, beside cloudpickle's
    instances     what objects hold, for the others
    the others    the recipes, registered when their module, or the library, is imported
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
    random_state,
    sqlite,
    tf_functions,
    thread_pools,
    typing_names,
    weak_references,
    wrapt_proxies,
)
