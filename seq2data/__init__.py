"""Old Keras input code, as a `tf.data.Dataset` read by worker processes.

The folders are the stages of a batch's way, each importing only those before it:

    source    what the user has: a Sequence, an indexable, a generator
    plan      which batches, in which order, with which seed
    workers   read them in processes or threads; arrays cross in shared memory
    pipeline  a real tf.data.Dataset; TensorFlow begins here
    tools     the `seq2data` command
"""

from __future__ import annotations

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
    "to_dataset",
    "wrap",
]


def __getattr__(name: str) -> Any:
    # Workers import this package and must not load TensorFlow with it.
    if name == "to_dataset":
        from seq2data.pipeline.dataset import to_dataset

        return to_dataset
    if name == "wrap":
        from seq2data.pipeline.wrap import wrap

        return wrap
    raise AttributeError(f"module `seq2data` has no attribute `{name}`")


def __dir__() -> list[str]:
    return sorted(__all__)
