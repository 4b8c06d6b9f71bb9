"""What is left of 200 datasets that were made, half read and dropped?

    python benchmarks/bench_leaks.py [--datasets 200] [--workers 2]

Counted are processes, file descriptors, threads, entries of /dev/shm and of the
temporary folder, and the memory of this process: after some datasets to warm up, and
again after all of them. All processes count that this one has started, directly or not,
also orphans: a mark in their environment tells them. `from_generator` shows what
TensorFlow itself keeps of each dataset.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from footprint import COUNTED, mark_processes, settled
from measure import (
    Figures,
    Results,
    argument_parser,
    compete,
    medians,
    print_results,
    print_row,
)

_WARM_UP = 20
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
    mark_processes()
    for _ in range(_WARM_UP):
        _half_read(make())
    before = settled(None)
    start = time.perf_counter()
    for index in range(args.datasets):
        if index == args.datasets // 2:
            midway = settled(None)
        _half_read(make())
    seconds = time.perf_counter() - start
    after = settled(before)
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


_CONTESTANTS = {
    "seq2data_processes": seq2data_processes,
    "seq2data_threads": seq2data_threads,
    "from_generator": from_generator,
}


def _print_targets(results: Results) -> None:
    for name in [name for name in results if name.startswith("seq2data")]:
        figures = medians(results[name].values())
        left = {f"{key}_growth": figures[f"{key}_growth"] for key in COUNTED}
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
    with tempfile.TemporaryDirectory() as folder:  # no other program's files count
        if not args.contestant:
            os.environ["TMPDIR"] = folder
        results = compete(_CONTESTANTS, args, fresh=True, warm_up=False)
    print_results(results, datasets=args.datasets, workers=args.workers)
    _print_targets(results)


if __name__ == "__main__":
    main()
