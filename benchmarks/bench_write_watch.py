"""What does the start of an epoch gain from the kernel's list of written memory?

    python benchmarks/bench_write_watch.py [--epochs 15]

A Sequence holds float32 arrays of 100 MB, or of 1 GB, which nothing changes, and an
index of a million entries, which `on_epoch_end` permutes. Measured, with `write_watch`
and with it switched off, so that all arrays are compared: the milliseconds of `pack`
before an epoch, and the gap between the last batch of an epoch and the first of the
next. `write_watch` is worth its system calls if it takes a fifth off the gap with
100 MB.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from statistics import median

import numpy as np
from measure import (
    Figures,
    Target,
    argument_parser,
    compete,
    print_results,
    print_targets,
)

_SIZES = {"100mb": 100_000_000, "1gb": 1_000_000_000}
_BATCHES, _ROWS = 50, 1000


class Holder:
    """An array that stays as it is, and an index that changes with each epoch."""

    def __init__(self, nbytes: int) -> None:
        self.rows = np.ones(nbytes // 4, np.float32)
        self.index = np.arange(1_000_000)

    def __len__(self) -> int:
        return _BATCHES

    def __getitem__(self, index: int) -> np.ndarray:
        return self.rows[self.index[index * _ROWS : (index + 1) * _ROWS]]

    def on_epoch_end(self) -> None:
        np.random.default_rng(1).shuffle(self.index)


def watched(args: argparse.Namespace) -> Figures:
    figures: Figures = {}
    for size, nbytes in _SIZES.items():
        figures[f"pack_{size}_ms"] = _pack_ms(Holder(nbytes), args.epochs)
        figures[f"gap_{size}_ms"] = _gap_ms(Holder(nbytes), args.epochs)
    return figures


def compared(args: argparse.Namespace) -> Figures:
    from seq2data.workers.payload import write_watch

    write_watch._open_userfaultfd = lambda: None
    return watched(args)


def _pack_ms(holder: Holder, epochs: int) -> float:
    from seq2data.source.adapt import adapt
    from seq2data.workers.payload.payload import pack

    source = adapt(holder)
    payload = pack(source, pack(source, None))
    times = []
    for _ in range(epochs):
        holder.on_epoch_end()
        started = time.perf_counter()
        payload = pack(source, payload)
        times.append(time.perf_counter() - started)
    return 1e3 * median(times)


def _gap_ms(holder: Holder, epochs: int) -> float:
    import seq2data

    dataset = seq2data.to_dataset(holder, workers=2)
    gaps = []
    ended = 0.0
    for epoch in range(epochs + 2):
        batches = iter(dataset)
        next(batches)
        if epoch > 1:  # the first two also start the workers and the watch
            gaps.append(time.perf_counter() - ended)
        for _ in batches:
            ended = time.perf_counter()
    return 1e3 * median(gaps)


_CONTESTANTS: dict[str, Callable[[argparse.Namespace], Figures]] = {
    "watched": watched,
    "compared": compared,
}
_TARGETS = [
    Target("watched", "pack_100mb_ms", "compared"),
    Target("watched", "gap_100mb_ms", "compared", 0.8),
    Target("watched", "pack_1gb_ms", "compared"),
    Target("watched", "gap_1gb_ms", "compared"),
]


def main() -> None:
    parser = argument_parser(__doc__, rounds=3)
    parser.add_argument("--epochs", type=int, default=15)
    args = parser.parse_args()
    options = ["--epochs", str(args.epochs)]
    results = compete(_CONTESTANTS, args, fresh=True, warm_up=False, options=options)
    print_results(results)
    print_targets(results, _TARGETS)


if __name__ == "__main__":
    main()
