"""How long does a 19 MB batch take from the worker to a TensorFlow tensor?

    python benchmarks/bench_transport.py [--batches 100] [--workers 2]

`__getitem__` fills a (32, 224, 224, 3) float32 array and does nothing else. Timed are
the batches in the middle of an epoch, without the start of the workers and the tail.
`memcpy` copies one batch within the process: no transport can be faster than that.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from measure import (
    Figures,
    Target,
    argument_parser,
    compete,
    print_results,
    print_targets,
    seconds_per_batch,
)
from peers import grain_passes, keras_passes, torch_passes

_SHAPE = (32, 224, 224, 3)
_QUEUE = 10  # `max_queue_size` of seq2data and of Keras, the default of both
_SKIP = 30  # more than any queue holds, so that the start-up is over


class Images:
    """A Sequence of image batches; batch `index` is filled with its index."""

    def __init__(self, batches: int) -> None:
        self._batches = batches

    def __len__(self) -> int:
        return self._batches

    def __getitem__(self, index: int) -> np.ndarray:
        return np.full(_SHAPE, index, np.float32)


def seq2data_processes(args: argparse.Namespace) -> Figures:
    import seq2data

    source = _source(args)
    return _time(seq2data.to_dataset(source, workers=args.workers), args)


def from_generator(args: argparse.Namespace) -> Figures:
    return _time(_from_generator(_source(args)), args)


def from_generator_prefetch(args: argparse.Namespace) -> Figures:
    return _time(_from_generator(_source(args)).prefetch(_QUEUE), args)


def keras_threads(args: argparse.Namespace) -> Figures:
    return _keras(args, use_multiprocessing=False)


def keras_processes(args: argparse.Namespace) -> Figures:
    return _keras(args, use_multiprocessing=True)


def torch_processes(args: argparse.Namespace) -> Figures:
    return _time(torch_passes(_source(args), args.workers)(), args)


def grain_processes(args: argparse.Namespace) -> Figures:
    return _time(grain_passes(_source(args), args.workers)(), args)


def memcpy(args: argparse.Namespace) -> Figures:
    batch, copy = np.ones(_SHAPE, np.float32), np.zeros(_SHAPE, np.float32)

    def copies() -> Iterator[np.ndarray]:
        for _ in range(_passes(args)):
            np.copyto(copy, batch)
            yield copy

    seconds = seconds_per_batch(
        copies(), skip=_SKIP, take=args.batches, last=lambda last: bool(last.all())
    )
    return _figures(seconds)


def _source(args: argparse.Namespace) -> Images:
    return Images(_passes(args))


def _passes(args: argparse.Namespace) -> int:
    tail = _QUEUE + 2 * args.workers  # what may lie ready when the last batch is timed
    return int(_SKIP + args.batches + tail)


def _from_generator(source: Images) -> Any:
    import tensorflow as tf

    spec = tf.TensorSpec((None, *_SHAPE[1:]), tf.float32)
    return tf.data.Dataset.from_generator(
        lambda: (source[index] for index in range(len(source))), output_signature=spec
    )


def _keras(args: argparse.Namespace, *, use_multiprocessing: bool) -> Figures:
    import keras

    class KerasImages(Images, keras.utils.PyDataset):
        def __init__(self, batches: int, **options: Any) -> None:
            Images.__init__(self, batches)
            keras.utils.PyDataset.__init__(self, **options)

    source = KerasImages(
        _passes(args),
        workers=args.workers,
        use_multiprocessing=use_multiprocessing,
        max_queue_size=_QUEUE,
    )
    with keras_passes(source) as one_pass:
        return _time(one_pass(), args)


def _time(batches: Iterable[Any], args: argparse.Namespace) -> Figures:
    def is_last(batch: Any) -> bool:
        return bool((np.asarray(batch) == _passes(args) - 1).all())

    seconds = seconds_per_batch(batches, skip=_SKIP, take=args.batches, last=is_last)
    return _figures(seconds)


def _figures(seconds: float) -> Figures:
    gigabytes = np.prod(_SHAPE) * 4 / 1e9
    return {"ms_per_batch": seconds * 1e3, "gb_per_s": gigabytes / seconds}


_CONTESTANTS = {
    "seq2data_processes": seq2data_processes,
    "from_generator": from_generator,
    "from_generator_prefetch": from_generator_prefetch,
    "keras_threads": keras_threads,
    "keras_processes": keras_processes,
    "torch_processes": torch_processes,
    "grain_processes": grain_processes,
    "memcpy": memcpy,
}
_TARGETS = [
    Target("seq2data_processes", "ms_per_batch", "keras_processes", 1 / 20),
    Target("seq2data_processes", "ms_per_batch", "torch_processes", 1 / 4),
    Target("seq2data_processes", "ms_per_batch", "grain_processes"),
    Target("seq2data_processes", "ms_per_batch", "from_generator", 1.0),
]


def main() -> None:
    parser = argument_parser(__doc__, rounds=5)
    parser.add_argument("--batches", type=int, default=100)
    parser.add_argument("--workers", type=int, default=2)
    args = parser.parse_args()
    results = compete(_CONTESTANTS, args)
    print_results(results, workers=args.workers, batches=args.batches)
    print_targets(results, _TARGETS)


if __name__ == "__main__":
    main()
