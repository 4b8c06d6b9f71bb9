"""Prepares the environment of worker processes, and looks at it."""

from __future__ import annotations

import signal
from collections.abc import Mapping

from seq2data.workers.system.capabilities import THREADS

# One worker per core is the parallelism; each library's own pool on top of it would
# fight for the same cores, and its threads would forbid the fork server to fork.
_THREAD_COUNTS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)


def worker_environment(parent: Mapping[str, str]) -> dict[str, str]:
    """Returns the environment without the GPU and with single-threaded libraries.

    Thread counts that the user has set stay. The GPU's memory belongs to the training
    process: a worker that saw it would take its share of it.
    """
    environment = dict.fromkeys(_THREAD_COUNTS, "1")
    # TensorFlow in a worker would repeat the parent's start-up messages per process.
    environment["TF_CPP_MIN_LOG_LEVEL"] = "3"
    environment.update(parent)
    environment["CUDA_VISIBLE_DEVICES"] = ""
    return environment


def ignore_ctrl_c() -> None:
    """Makes this process ignore SIGINT, which the training process handles.

    User code that was loaded here may have set a handler.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def num_threads() -> int:
    """Counts the threads of this process, also those that Python does not know of.

    To be called only where `THREADS` exists; elsewhere nothing forks.
    """
    return len(list(THREADS.iterdir()))
