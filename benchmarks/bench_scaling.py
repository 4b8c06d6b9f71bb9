"""How much faster do more workers read, when reading is CPU or when it is waiting?

    python benchmarks/bench_scaling.py [--batches 300] [--io-workers 16 64]

CPU: `__getitem__` runs a loop in pure Python, which holds the GIL, until its thread has
used 10 ms of CPU time. So all contestants do the same work, however fast the machine is
at the moment. `plain_loop` indexes the Sequence in this process. `bare_processes` are
as many processes as there are workers, and only run such loops: the machine can give no
more. Waiting: `__getitem__` sleeps. The ideal rate is workers / sleep; `bare_waiting_*`
processes only sleep and write a byte. Both are measured in the middle of an epoch:
after each worker has delivered a batch, and before the source has none left.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import time
from collections.abc import Callable, Iterable
from statistics import median
from typing import Any

import numpy as np
from measure import (
    Figures,
    Target,
    argument_parser,
    compete,
    print_results,
    print_row,
    print_targets,
)

_QUEUE = 10  # `max_queue_size`, the default
_WAIT_S = 0.020


class Spinning:
    """A Sequence whose batches cost CPU; each holds a pid and its cost."""

    def __init__(self, batches: int, cpu_s: float) -> None:
        self._batches, self._cpu_s = batches, cpu_s

    def __len__(self) -> int:
        return self._batches

    def __getitem__(self, index: int) -> np.ndarray:
        start = time.thread_time()
        _spin(self._cpu_s)
        return np.array([index, os.getpid(), time.thread_time() - start])


class Waiting:
    """A Sequence whose batches take 20 ms of waiting; each holds a pid."""

    def __init__(self, batches: int) -> None:
        self._batches = batches

    def __len__(self) -> int:
        return self._batches

    def __getitem__(self, index: int) -> np.ndarray:
        time.sleep(_WAIT_S)
        return np.array([index, os.getpid(), 0.0])


def seq2data_processes(args: argparse.Namespace) -> Figures:
    import seq2data

    source = Spinning(args.batches, args.cpu_ms / 1e3)
    return _rate(seq2data.to_dataset(source, workers=args.workers), args.workers)


def seq2data_in_process(args: argparse.Namespace) -> Figures:
    import seq2data

    return _rate(seq2data.to_dataset(_spinning(args), workers=0), 1)


def from_generator(args: argparse.Namespace) -> Figures:
    import tensorflow as tf

    source = _spinning(args)
    dataset = tf.data.Dataset.from_generator(
        lambda: (source[index] for index in range(len(source))),
        output_signature=tf.TensorSpec((None,), tf.float64),
    )
    return _rate(dataset, 1)


def plain_loop(args: argparse.Namespace) -> Figures:
    source = _spinning(args)
    return _rate((source[index] for index in range(len(source))), 1)


def bare_processes(args: argparse.Namespace) -> Figures:
    context = multiprocessing.get_context("fork")
    each = args.batches // args.workers
    start = time.perf_counter()
    processes = [
        context.Process(target=_spin, args=(args.cpu_ms / 1e3 * each,))
        for _ in range(args.workers)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    return {"batches_per_s": each * args.workers / (time.perf_counter() - start)}


def seq2data_waiting(workers: int) -> Callable[[argparse.Namespace], Figures]:
    def contestant(args: argparse.Namespace) -> Figures:
        import seq2data

        ideal = workers / _WAIT_S
        source = Waiting(int(args.seconds * ideal) + 4 * workers + _QUEUE)
        figures = _rate(seq2data.to_dataset(source, workers=workers), workers)
        share = figures["batches_per_s"] / ideal
        return {**figures, "ideal_per_s": ideal, "share_of_ideal": share}

    return contestant


def bare_waiting(workers: int) -> Callable[[argparse.Namespace], Figures]:
    def contestant(args: argparse.Namespace) -> Figures:
        context = multiprocessing.get_context("fork")
        reads, writes = os.pipe()
        processes = [
            context.Process(target=_wait_and_tell, args=(writes,), daemon=True)
            for _ in range(workers)
        ]
        for process in processes:
            process.start()
        end = time.perf_counter() + 20 * _WAIT_S  # all are up by then
        while time.perf_counter() < end:
            os.read(reads, 4096)
        count, start, end = 0, end, end + args.seconds
        while time.perf_counter() < end:
            count += len(os.read(reads, 4096))
        rate = count / (time.perf_counter() - start)
        for process in processes:
            process.kill()
            process.join()
        os.close(reads)
        os.close(writes)
        ideal = workers / _WAIT_S
        return {"batches_per_s": rate, "share_of_ideal": rate / ideal}

    return contestant


def _wait_and_tell(descriptor: int) -> None:
    while True:
        time.sleep(_WAIT_S)
        os.write(descriptor, b"1")


def _spin(seconds: float) -> int:
    """Uses so much CPU time of this thread, all of it in Python's own code."""
    total = 0
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        for number in range(1000):
            total += number & 3
    return total


def _spinning(args: argparse.Namespace) -> Spinning:
    return Spinning(args.batches // 2, args.cpu_ms / 1e3)  # enough, and half the time


def _rate(batches: Iterable[Any], workers: int) -> Figures:
    """Returns the rate between the moment all workers have delivered and the tail.

    `own_cpu_us_per_batch` is what a batch costs this process, its consumer.
    """
    times, spent, pids, cpu = [], [], [], []
    start = time.perf_counter()
    for batch in batches:
        times.append(time.perf_counter())
        spent.append(time.process_time())
        _, pid, seconds = np.asarray(batch)
        pids.append(pid)
        cpu.append(seconds)
    tail = _QUEUE + 2 * workers if workers > 1 else 1
    # The first batch may have been peeked at, in any process: it does not count.
    first_of = {pid: 1 + pids[1:].index(pid) for pid in set(pids[1:])}
    first, last = max(first_of.values()), len(times) - tail
    if first > len(times) // 2:
        raise ValueError(f"Not all workers were up by batch {first} of {len(times)}.")
    figures = {
        "batches_per_s": (last - first) / (times[last] - times[first]),
        "timed_batches": last - first,
        "workers_seen": len(first_of),
        "all_up_s": times[first] - start,
        "own_cpu_us_per_batch": (spent[last] - spent[first]) / (last - first) * 1e6,
    }
    return {**figures, "cpu_ms_per_batch": median(cpu) * 1e3} if cpu[-1] else figures


_CPU = {
    "seq2data_processes": seq2data_processes,
    "seq2data_in_process": seq2data_in_process,
    "from_generator": from_generator,
    "plain_loop": plain_loop,
    "bare_processes": bare_processes,
}
_TARGETS = [
    Target("seq2data_processes", "batches_per_s", peer, 1.8, at_least=True)
    for peer in ("seq2data_in_process", "from_generator", "plain_loop")
] + [Target("seq2data_processes", "batches_per_s", "bare_processes")]


def main() -> None:
    parser = argument_parser(__doc__, rounds=5)
    parser.add_argument("--batches", type=int, default=300)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--cpu-ms", type=float, default=10.0)
    parser.add_argument("--io-workers", type=int, nargs="*", default=[16, 64])
    parser.add_argument("--seconds", type=float, default=5.0, help="of each I/O pass")
    args = parser.parse_args()
    waiting = {f"waiting_{n}": seq2data_waiting(n) for n in args.io_workers}
    bare = {f"bare_waiting_{n}": bare_waiting(n) for n in args.io_workers}
    contestants = {**_CPU, **waiting, **bare}
    results = compete(contestants, args)
    print_results(results)
    print_targets(results, _TARGETS)
    for name in [name for name in waiting if name in results]:
        share = median(row["share_of_ideal"] for row in results[name].values())
        print_row(
            f"{name} / ideal",
            share=round(share, 4),
            target=">= 0.95",
            met=share >= 0.95,
        )


if __name__ == "__main__":
    main()
