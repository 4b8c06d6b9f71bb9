"""Turns old Keras input code into a `tf.data.Dataset` that worker processes read.

A batch goes through these folders from top to bottom. Each imports only those above it:

    source    what the user has: a Sequence, an indexable, a generator
    plan      which batches are read, in which order, with which seed
    workers   processes or threads that read; arrays cross in shared memory
    pipeline  makes a `tf.data.Dataset`; the first folder that loads TensorFlow
    train     `fit_generator` and the other old methods, on Keras 2 and Keras 3
    tools     the `seq2data` command
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from seq2data.errors import (
    BatchError,
    BatchTimeoutError,
    MissingExtraError,
    PayloadError,
    ReadError,
    Seq2DataError,
    SourceError,
    WorkerCrashError,
)

if TYPE_CHECKING:
    from seq2data.pipeline.dataset import to_dataset
    from seq2data.pipeline.wrap import wrap
    from seq2data.train.generator_methods import (
        evaluate_generator,
        fit_generator,
        predict_generator,
    )
    from seq2data.train.patching.patch import patch_keras, unpatch_keras
    from seq2data.workers.payload.registry import register_reducer

__version__ = "0.1.0"

__all__ = [
    "BatchError",
    "BatchTimeoutError",
    "MissingExtraError",
    "PayloadError",
    "ReadError",
    "Seq2DataError",
    "SourceError",
    "WorkerCrashError",
    "__version__",
    "evaluate_generator",
    "fit_generator",
    "patch_keras",
    "predict_generator",
    "register_reducer",
    "to_dataset",
    "unpatch_keras",
    "wrap",
]


# Workers import this package and must not load TensorFlow with it.
_LAZY = {
    "evaluate_generator": "seq2data.train.generator_methods",
    "fit_generator": "seq2data.train.generator_methods",
    "patch_keras": "seq2data.train.patching.patch",
    "predict_generator": "seq2data.train.generator_methods",
    "register_reducer": "seq2data.workers.payload.registry",
    "to_dataset": "seq2data.pipeline.dataset",
    "unpatch_keras": "seq2data.train.patching.patch",
    "wrap": "seq2data.pipeline.wrap",
}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(importlib.import_module(_LAZY[name]), name)
    raise AttributeError(f"module `seq2data` has no attribute `{name}`")


def __dir__() -> list[str]:
    return sorted(__all__)
