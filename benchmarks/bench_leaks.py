"""What is left of 200 datasets that were made, half read and dropped?

    python benchmarks/bench_leaks.py [--datasets 200] [--workers 2]

Counted are, after some datasets to warm up and again after all of them: processes (any
process that was started from this one, however deep, orphans included: they are known
by a mark in their environment), file descriptors, threads, entries of /dev/shm and of
the temporary folder, and the memory of this process. `from_generator` shows what
TensorFlow itself keeps of each dataset.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import os
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from measure import (
    Figures,
    Results,
    argument_parser,
    compete,
    medians,
    print_results,
    print_row,
)

_MARK = "SEQ2DATA_BENCH_LEAKS"
_SETTLE_S = 5.0  # how long what was dropped may take to go
_WARM_UP = 20
_COUNTED = ("processes", "descriptors", "threads", "shared_memory", "temporary_files")
_MEMORY_MB = 20.0


class Photos:
    """A Sequence of batches of 1.5 MB, with labels."""

    def __len__(self) -> int:
        return 20

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        return np.full((32, 64, 64, 3), index, np.float32), np.arange(32)


def seq2data_processes(args: argparse.Namespace) -> Figures:
    import seq2data

    return _growth(lambda: seq2data.to_dataset(Photos(), workers=args.workers), args)


def seq2data_threads(args: argparse.Namespace) -> Figures:
    import seq2data

    def dataset() -> Any:
        return seq2data.to_dataset(
            Photos(), workers=args.workers, use_multiprocessing=False
        )

    return _growth(dataset, args)


def from_generator(args: argparse.Namespace) -> Figures:
    import tensorflow as tf

    images = tf.TensorSpec((None, 64, 64, 3), tf.float32)
    labels = tf.TensorSpec((None,), tf.int64)

    def dataset() -> Any:
        source = Photos()
        return tf.data.Dataset.from_generator(
            lambda: (source[index] for index in range(len(source))),
            output_signature=(images, labels),
        ).prefetch(10)

    return _growth(dataset, args)


def _growth(make: Callable[[], Any], args: argparse.Namespace) -> Figures:
    """Returns how much more there is after the datasets than after the warm-up."""
    os.environ[_MARK] = uuid.uuid4().hex
    for _ in range(_WARM_UP):
        _half_read(make())
    before = _settled(None)
    start = time.perf_counter()
    for index in range(args.datasets):
        if index == args.datasets // 2:
            midway = _settled(None)
        _half_read(make())
    seconds = time.perf_counter() - start
    after = _settled(before)
    growth = {f"{key}_growth": after[key] - before[key] for key in before}
    return {
        **growth,
        "memory_mb_growth_midway": midway["memory_mb"] - before["memory_mb"],
        "seconds_per_dataset": seconds / args.datasets,
    }


def _half_read(dataset: Any) -> None:
    half = len(Photos()) // 2
    for index, (images, _) in enumerate(dataset):
        if int(images[0, 0, 0, 0]) != index:
            raise ValueError(f"Batch {index} has wrong values.")
        if index == half:
            break


def _settled(before: Figures | None) -> Figures:
    """Counts, once what was dropped has had its time to go."""
    deadline = time.perf_counter() + _SETTLE_S
    while True:
        gc.collect()
        now = _footprint()
        grown = before is None or any(now[key] > before[key] for key in _COUNTED)
        if not grown or time.perf_counter() > deadline:
            return now
        time.sleep(0.1)


def _footprint() -> Figures:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return {
        "processes": _marked_processes(),
        "descriptors": len(os.listdir("/proc/self/fd")),
        "threads": len(os.listdir("/proc/self/task")),
        "shared_memory": len(os.listdir("/dev/shm")),
        "temporary_files": len(os.listdir(tempfile.gettempdir())),
        "memory_mb": pages * os.sysconf("SC_PAGE_SIZE") / 1e6,
    }


def _marked_processes() -> int:
    """Counts the processes that have this run's mark in their environment."""
    mark = f"{_MARK}={os.environ[_MARK]}".encode()
    count = 0
    for entry in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            count += mark in entry.read_bytes()
    return count


_CONTESTANTS = {
    "seq2data_processes": seq2data_processes,
    "seq2data_threads": seq2data_threads,
    "from_generator": from_generator,
}


def _print_targets(results: Results) -> None:
    for name in [name for name in results if name.startswith("seq2data")]:
        figures = medians(results[name].values())
        left = {f"{key}_growth": figures[f"{key}_growth"] for key in _COUNTED}
        memory_mb = figures["memory_mb_growth"]
        print_row(
            f"{name} leaves nothing",
            **left,
            memory_mb_growth=memory_mb,
            target=f"<= 0 of each, memory < {_MEMORY_MB:g} MB",
            met=max(left.values()) <= 0 and memory_mb < _MEMORY_MB,
        )


def main() -> None:
    parser = argument_parser(__doc__, rounds=1)
    parser.set_defaults(limit_s=1200.0)
    parser.add_argument("--datasets", type=int, default=200)
    parser.add_argument("--workers", type=int, default=2)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:  # nobody else's files are counted
        if not args.contestant:
            os.environ["TMPDIR"] = folder
        results = compete(_CONTESTANTS, args, fresh=True, warm_up=False)
    print_results(results, datasets=args.datasets, workers=args.workers)
    _print_targets(results)


if __name__ == "__main__":
    main()
