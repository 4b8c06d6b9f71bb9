"""How long does training wait between two epochs?

    python benchmarks/bench_epochs.py [--passes 10] [--workers 2]

Timed is the gap between the last batch of an epoch and the first batch of the next one.
`gap_beyond_read_ms` is that without the time to read one batch, which cannot be saved.
Epochs are run as `for batch in dataset` again and again (`direct`), and as one loop
over `dataset.repeat()`; for tiny batches (8 floats) and for 19 MB ones. The Sequence is
the textbook one, whose `on_epoch_end` shuffles: its workers need the new order before
they may read on. With `--no-hook` it has no `on_epoch_end`. `range_direct` is a bare
`tf.data.Dataset.range`, the time that TensorFlow itself needs to begin an epoch.
`gap_own_cpu_ms` is the CPU time of this process in the gap, which a busy machine hardly
changes.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from statistics import median
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
from peers import Passes, grain_passes, keras_passes, torch_passes

_SHAPES = {"tiny": (8,), "19mb": (32, 224, 224, 3)}
_TARGET_MS = 5.0


class Shuffled:
    """A Sequence of filled arrays."""

    def __init__(self, batches: int, shape: tuple[int, ...]) -> None:
        self._shape = shape
        self._order = np.arange(batches)

    def __len__(self) -> int:
        return len(self._order)

    def __getitem__(self, index: int) -> np.ndarray:
        return np.full(self._shape, self._order[index], np.float32)


class Hooked(Shuffled):
    """The same with another order for each epoch."""

    def on_epoch_end(self) -> None:
        np.random.default_rng(len(self._order)).shuffle(self._order)


def seq2data_direct(args: argparse.Namespace, source: Shuffled) -> Figures:
    import seq2data

    dataset = seq2data.to_dataset(source, workers=args.workers)
    passes = chain.from_iterable(dataset for _ in range(args.passes))
    return _gaps(passes, source, args.passes)


def seq2data_repeat(args: argparse.Namespace, source: Shuffled) -> Figures:
    import seq2data

    dataset = seq2data.to_dataset(source, workers=args.workers)
    return _gaps(dataset.repeat(args.passes), source, args.passes)


def range_direct(args: argparse.Namespace, source: Shuffled) -> Figures:
    import tensorflow as tf

    dataset = tf.data.Dataset.range(len(source))
    passes = chain.from_iterable(dataset for _ in range(args.passes))
    return _gaps(passes, source, args.passes)


def from_generator_direct(args: argparse.Namespace, source: Shuffled) -> Figures:
    import tensorflow as tf

    def one_pass() -> Iterator[np.ndarray]:
        yield from (source[index] for index in range(len(source)))
        getattr(source, "on_epoch_end", lambda: None)()

    shape = (None, *source[0].shape[1:])
    spec = tf.TensorSpec(shape, tf.float32)
    dataset = tf.data.Dataset.from_generator(one_pass, output_signature=spec)
    passes = chain.from_iterable(dataset for _ in range(args.passes))
    return _gaps(passes, source, args.passes)


def keras_processes_direct(args: argparse.Namespace, source: Shuffled) -> Figures:
    import keras

    class KerasSource(keras.utils.PyDataset):
        def __len__(self) -> int:
            return len(source)

        def __getitem__(self, index: int) -> np.ndarray:
            return source[index]

        def on_epoch_end(self) -> None:
            getattr(source, "on_epoch_end", lambda: None)()

    wrapped = KerasSource(workers=args.workers, use_multiprocessing=True)
    with keras_passes(wrapped) as one_pass:
        passes = chain.from_iterable(one_pass() for _ in range(args.passes))
        return _gaps(passes, source, args.passes)


def peer_direct(
    passes_of: Callable[[Any, int], Passes],
) -> Callable[[argparse.Namespace, Shuffled], Figures]:
    def runner(args: argparse.Namespace, source: Shuffled) -> Figures:
        one_pass = passes_of(source, args.workers)

        def passes() -> Iterator[Any]:
            for _ in range(args.passes):
                yield from one_pass()
                getattr(source, "on_epoch_end", lambda: None)()

        return _gaps(passes(), source, args.passes)

    return runner


def _gaps(batches: Iterable[Any], source: Shuffled, passes: int) -> Figures:
    """Reads all epochs and returns their gaps, and the time that one batch takes."""
    read_ms = _read_ms(source)
    clocks = []
    for batch in batches:
        clocks.append((time.perf_counter(), time.process_time()))
        del batch
    per_pass = len(source)
    if len(clocks) != per_pass * passes:
        raise ValueError(f"{passes} passes of {per_pass} gave {len(clocks)} batches.")
    steps, cpu = np.diff(clocks, axis=0).T * 1e3
    is_gap = np.arange(1, len(clocks)) % per_pass == 0
    gaps, inside = steps[is_gap], steps[~is_gap]
    return {
        "gap_ms": float(np.median(gaps)),
        "gap_worst_ms": float(gaps.max()),
        "gap_own_cpu_ms": float(np.median(cpu[is_gap])),
        "read_ms": read_ms,
        "step_ms": float(np.median(inside)),
        "gap_beyond_read_ms": float(np.median(gaps)) - read_ms,
    }


def _read_ms(source: Shuffled) -> float:
    """Returns what one batch costs in this process."""
    costs = []
    for index in range(len(source)):
        start = time.perf_counter()
        batch = source[index]
        costs.append(time.perf_counter() - start)
        del batch
    return median(costs) * 1e3


def _sized(
    runner: Callable[[argparse.Namespace, Shuffled], Figures], size: str
) -> Callable[[argparse.Namespace], Figures]:
    def contestant(args: argparse.Namespace) -> Figures:
        kind = Shuffled if args.no_hook else Hooked
        return runner(args, kind(args.batches, _SHAPES[size]))

    return contestant


_RUNNERS = {
    "seq2data_direct": seq2data_direct,
    "seq2data_repeat": seq2data_repeat,
    "from_generator_direct": from_generator_direct,
    "keras_processes_direct": keras_processes_direct,
    "torch_processes_direct": peer_direct(torch_passes),
    "grain_processes_direct": peer_direct(grain_passes),
}
_CONTESTANTS = {
    f"{name}_{size}": _sized(runner, size)
    for size in _SHAPES
    for name, runner in _RUNNERS.items()
} | {"range_direct": _sized(range_direct, "tiny")}


def _print_targets(results: Results) -> None:
    for name, rounds in results.items():
        if name.startswith("seq2data"):
            gap_ms = medians(rounds.values())["gap_beyond_read_ms"]
            print_row(
                f"{name} gap",
                gap_beyond_read_ms=gap_ms,
                target=f"<= {_TARGET_MS:g} ms",
                met=gap_ms <= _TARGET_MS,
            )


def main() -> None:
    parser = argument_parser(__doc__, rounds=3)
    parser.add_argument("--passes", type=int, default=10)
    parser.add_argument("--batches", type=int, default=40, help="of each pass")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--no-hook", action="store_true")
    args = parser.parse_args()
    results = compete(_CONTESTANTS, args, fresh=True, warm_up=False)
    print_results(results, workers=args.workers, hook=not args.no_hook)
    _print_targets(results)


if __name__ == "__main__":
    main()
