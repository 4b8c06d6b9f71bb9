"""What does a Sequence that holds gigabytes cost, in memory and in time?

    python benchmarks/bench_payload.py [--gigabytes 2] [--workers 8]

The Sequence holds one float32 array and an index of a million entries, which
`on_epoch_end` permutes; a batch is 32 of its rows. Measured: the memory beyond the
array itself when every worker has read; the seconds from the call to the first batch;
and the gap between the last batch of a pass and the first of the next one.

The memory is proportional (PSS, summed over the processes). Of shared memory, all that
the machine has counts, whether a process maps it or not.

The peers get the same object: Keras 3's PyDataset with processes that are forked, and
spawned; torch's DataLoader with both. Grain would send each worker a copy of its own.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import multiprocessing
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from footprint import children
from measure import (
    Figures,
    argument_parser,
    compete,
    medians,
    print_results,
    print_row,
)
from peers import keras_passes

_ENTRIES = 1_000_000
_ROW = 1024
_BATCH = 32
_MEMORY_FACTOR, _FIRST_S, _GAP_MS = 1.1, 3.0, 50.0

OnePass = Callable[[], Iterator[Any]]


class Holder:
    """Rows of an array, by an index that changes between the epochs."""

    def __init__(self, gigabytes: float, batches: int) -> None:
        rows = int(gigabytes * 1e9) // (4 * _ROW)
        self.rows = np.ones((rows, _ROW), np.float32)
        self.index = np.arange(_ENTRIES) % rows
        self.batches = batches

    def __len__(self) -> int:
        return self.batches

    def __getitem__(self, index: int) -> np.ndarray:
        return self.rows[self.index[index * _BATCH : (index + 1) * _BATCH]]

    def on_epoch_end(self) -> None:
        np.random.default_rng(1).shuffle(self.index)


def seq2data_processes(args: argparse.Namespace) -> Figures:
    import seq2data

    @contextlib.contextmanager
    def passes(holder: Holder) -> Iterator[OnePass]:
        dataset = seq2data.to_dataset(holder, workers=args.workers)
        yield lambda: iter(dataset)

    return _measure(args, passes)


@functools.cache
def _keras_holder() -> Any:
    import keras

    class KerasHolder(keras.utils.PyDataset):
        def __init__(self, holder: Holder, workers: int) -> None:
            super().__init__(workers=workers, use_multiprocessing=True)
            self.holder = holder

        def __len__(self) -> int:
            return len(self.holder)

        def __getitem__(self, index: int) -> np.ndarray:
            return self.holder[index]

        def on_epoch_end(self) -> None:
            self.holder.on_epoch_end()

    KerasHolder.__qualname__ = "KerasHolder"
    return KerasHolder


def __getattr__(name: str) -> Any:
    """Where spawned workers look for the class; the others need no Keras."""
    if name == "KerasHolder":
        return _keras_holder()
    raise AttributeError(name)


def keras_with(method: str) -> Callable[[argparse.Namespace], Figures]:
    def contestant(args: argparse.Namespace) -> Figures:
        multiprocessing.set_start_method(method, force=True)

        @contextlib.contextmanager
        def passes(holder: Holder) -> Iterator[OnePass]:
            source = _keras_holder()(holder, args.workers)
            with keras_passes(source) as one_pass:
                yield one_pass

        return _measure(args, passes)

    return contestant


def torch_with(method: str) -> Callable[[argparse.Namespace], Figures]:
    def contestant(args: argparse.Namespace) -> Figures:
        from torch.utils.data import DataLoader

        @contextlib.contextmanager
        def passes(holder: Holder) -> Iterator[OnePass]:
            loader = DataLoader(
                holder,
                batch_size=None,
                num_workers=args.workers,
                multiprocessing_context=method,
            )

            def one_pass() -> Iterator[Any]:
                yield from loader
                holder.on_epoch_end()

            yield one_pass

        return _measure(args, passes)

    return contestant


def _measure(
    args: argparse.Namespace,
    open_passes: Callable[[Holder], contextlib.AbstractContextManager[OnePass]],
) -> Figures:
    import tensorflow as tf

    tf.zeros(1)
    holder = Holder(args.gigabytes, args.batches)
    before_mb = _proportional_mb()
    started = time.perf_counter()
    with open_passes(holder) as one_pass:
        batches = one_pass()
        next(batches)
        first_s = time.perf_counter() - started
        for _ in range(args.batches // 2):
            next(batches)
        extra_mb = _proportional_mb() - before_mb
        gaps = []
        for _ in range(args.passes):
            for _ in batches:
                ended = time.perf_counter()
            batches = one_pass()
            next(batches)
            gaps.append(time.perf_counter() - ended)
        del batches
    return {
        "extra_mb": extra_mb,
        "held_mb": holder.rows.nbytes / 1e6,
        "first_batch_s": first_s,
        "gap_ms": 1e3 * float(np.median(gaps)),
    }


def _proportional_mb() -> float:
    """Of this process and all below it; a page of n processes counts 1/n in each."""
    pids, total_kb = [os.getpid()], _shared_kb()
    for pid in pids:
        with contextlib.suppress(OSError):  # it has just ended
            pids += children(pid)
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                name, _, rest = line.partition(":")
                if name in ("Pss_Anon", "Pss_File"):
                    total_kb += int(rest.split()[0])
    return total_kb / 1e3


def _shared_kb() -> int:
    (line,) = (
        line
        for line in Path("/proc/meminfo").read_text().splitlines()
        if line.startswith("Shmem:")
    )
    return int(line.split()[1])


_CONTESTANTS = {
    "seq2data": seq2data_processes,
    "keras_fork": keras_with("fork"),
    "keras_spawn": keras_with("spawn"),
    "torch_fork": torch_with("fork"),
    "torch_spawn": torch_with("spawn"),
}


def main() -> None:
    parser = argument_parser(__doc__, rounds=1)
    parser.add_argument("--gigabytes", type=float, default=2.0)
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--batches", type=int, default=200, help="of each pass")
    parser.add_argument("--passes", type=int, default=5)
    args = parser.parse_args()
    results = compete(_CONTESTANTS, args, fresh=True, warm_up=False)
    print_results(results, workers=args.workers)
    if "seq2data" in results:
        ours = medians(results["seq2data"].values())
        for figure, bound in (
            ("extra_mb", _MEMORY_FACTOR * ours["held_mb"]),
            ("first_batch_s", _FIRST_S),
            ("gap_ms", _GAP_MS),
        ):
            print_row(
                f"seq2data {figure}",
                value=ours[figure],
                target=f"<= {bound:g}",
                met=ours[figure] <= bound,
            )


if __name__ == "__main__":
    main()
