"""What does a batch cost when there is nothing in it?

    python benchmarks/bench_overhead.py [--batches 20000] [--workers 2]

The batches of the Sequence are tiny (8 floats). `cold_*` is the first epoch, with the
making of the dataset and the start of the workers; `warm_*` is the second epoch over
the same dataset. Keras, torch and Grain take long: `--peer-batches` gives them
fewer batches, and their figures per batch are compared.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from measure import (
    Figures,
    Target,
    argument_parser,
    compete,
    print_results,
    print_targets,
)
from peers import grain_passes, keras_passes, torch_passes

_FLOATS = 8


class Tiny:
    """A Sequence of tiny batches; batch `index` is filled with its index."""

    def __init__(self, batches: int) -> None:
        self._batches = batches

    def __len__(self) -> int:
        return self._batches

    def __getitem__(self, index: int) -> np.ndarray:
        return np.full(_FLOATS, index, np.float32)


def seq2data_processes(args: argparse.Namespace) -> Figures:
    import seq2data

    start = time.perf_counter()
    dataset = seq2data.to_dataset(Tiny(args.batches), workers=args.workers)
    return _time(lambda: dataset, args.batches, start)


def from_generator(args: argparse.Namespace) -> Figures:
    start = time.perf_counter()
    dataset = _from_generator(args)
    return _time(lambda: dataset, args.batches, start)


def from_generator_prefetch(args: argparse.Namespace) -> Figures:
    start = time.perf_counter()
    dataset = _from_generator(args).prefetch(10)
    return _time(lambda: dataset, args.batches, start)


def keras_processes(args: argparse.Namespace) -> Figures:
    import keras

    class KerasTiny(Tiny, keras.utils.PyDataset):
        def __init__(self, batches: int, **options: Any) -> None:
            Tiny.__init__(self, batches)
            keras.utils.PyDataset.__init__(self, **options)

    batches = args.peer_batches or args.batches
    start = time.perf_counter()
    source = KerasTiny(batches, workers=args.workers, use_multiprocessing=True)
    with keras_passes(source) as one_pass:
        return _time(one_pass, batches, start)


def torch_processes(args: argparse.Namespace) -> Figures:
    batches = args.peer_batches or args.batches
    start = time.perf_counter()
    return _time(torch_passes(Tiny(batches), args.workers), batches, start)


def grain_processes(args: argparse.Namespace) -> Figures:
    batches = args.peer_batches or args.batches
    start = time.perf_counter()
    return _time(grain_passes(Tiny(batches), args.workers), batches, start)


def _from_generator(args: argparse.Namespace) -> Any:
    import tensorflow as tf

    source = Tiny(args.batches)
    return tf.data.Dataset.from_generator(
        lambda: (source[index] for index in range(len(source))),
        output_signature=tf.TensorSpec((None,), tf.float32),
    )


def _time(one_pass: Callable[[], Iterable[Any]], batches: int, start: float) -> Figures:
    """Times two passes, the first of them from `start` on."""
    seconds = []
    for _ in range(2):
        count = 0
        for batch in one_pass():
            count, last = count + 1, batch
        seconds.append(time.perf_counter() - start)
        if count != batches or not (np.asarray(last) == count - 1).all():
            raise ValueError(f"The pass ended at batch {count} with {last}.")
        start = time.perf_counter()
    cold, warm = seconds
    return {
        "batches": batches,
        "cold_s": cold,
        "warm_s": warm,
        "cold_us_per_batch": cold / batches * 1e6,
        "warm_us_per_batch": warm / batches * 1e6,
    }


_CONTESTANTS = {
    "seq2data_processes": seq2data_processes,
    "from_generator": from_generator,
    "from_generator_prefetch": from_generator_prefetch,
    "keras_processes": keras_processes,
    "torch_processes": torch_processes,
    "grain_processes": grain_processes,
}
_TARGETS = [
    Target("seq2data_processes", f"{when}_us_per_batch", peer, bound)
    for peer, bound in (("from_generator", 1.0), ("keras_processes", 1 / 4))
    for when in ("warm", "cold")
] + [
    Target("seq2data_processes", "warm_us_per_batch", peer)
    for peer in ("torch_processes", "grain_processes")
]


def main() -> None:
    parser = argument_parser(__doc__, rounds=5)
    parser.add_argument("--batches", type=int, default=20_000)
    parser.add_argument("--peer-batches", type=int, default=None)
    parser.add_argument("--workers", type=int, default=2)
    args = parser.parse_args()
    results = compete(_CONTESTANTS, args)
    print_results(results, workers=args.workers)
    print_targets(results, _TARGETS)


if __name__ == "__main__":
    main()
