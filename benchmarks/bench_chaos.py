"""What gets lost when everything goes wrong that can?

    python benchmarks/bench_chaos.py [--seconds 600] [--faults 5000] [--seed 1]

One dataset after the other is read, epoch after epoch. Meanwhile workers are killed,
stopped and resumed at random, and sometimes the fork server is killed. The source
raises, runs out of memory or is slow, and the consumer waits or drops its iterator. The
seed fixes what happens in which epoch, and which signals are sent in which order. The
program ends when both the time and the number of faults are reached.

Each epoch must deliver exactly `0, 1, 2, ...` up to its end, up to the place where it
was dropped, or up to the fault of the source; that fault must come as an error that
names its batch. An epoch is given up, with an error that says so, if four workers in a
row die over one batch. That is chance here, and counted as `given_up`.
"""

from __future__ import annotations

import argparse
import collections
import heapq
import os
import random
import resource
import signal
import sys
import tempfile
import threading
import time
from typing import Any

import numpy as np
from footprint import COUNTED, mark_processes, own_children, settled
from measure import Figures, argument_parser, compete, print_results, print_row

_BATCHES = 80
_PASSES_PER_DATASET = 12
_SIGNALS = {"SIGKILL": 6, "SIGTERM": 2, "SIGSTOP": 3, "fork server SIGKILL": 0.3}
_LONGEST_STOP_S = 0.4
_PASSES = {"whole": 6, "raises": 2, "memory": 1, "dropped": 2, "stalls": 1}
_STALL_S = 0.5
_WARM_UP = 3  # datasets, for what TensorFlow makes once


class Chaotic:
    """Batches that tell their epoch and index; `fault` is what happens, and where."""

    def __init__(self) -> None:
        self.epoch = 0
        self.fault: tuple[str, int] = ("whole", 0)
        self.slow: frozenset[int] = frozenset()

    def __len__(self) -> int:
        return _BATCHES

    def __getitem__(self, index: int) -> np.ndarray:
        time.sleep(0.05 if index in self.slow else 0.004)
        if self.fault == ("raises", index):
            raise LookupError(f"no such patient: {index}")
        if self.fault == ("memory", index):
            _run_out_of_memory()
        # One size in ten is large, so that segments are made, lent and outgrown.
        return np.full(200_000 if index % 10 == 0 else 20, self.epoch * 1000 + index)


def _run_out_of_memory() -> None:
    limits = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (1 << 20, limits[1]))
    try:
        np.ones(1 << 28)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limits)


class Signals:
    """Sends signals to random workers of this process until it is told to stop."""

    def __init__(self, chance: random.Random, per_second: float) -> None:
        self.sent: collections.Counter[str] = collections.Counter()
        self._chance = chance
        self._per_second = per_second
        self._stopped: list[tuple[float, int]] = []
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def end(self) -> None:
        """Returns when nothing is stopped any more."""
        self._is_over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._is_over.wait(self._chance.expovariate(self._per_second)):
            name = _one_of(self._chance, _SIGNALS)
            fork_servers = own_children(os.getpid())
            workers = [pid for one in fork_servers for pid in own_children(one)]
            targets = fork_servers if name.startswith("fork server") else workers
            if targets and _send(self._chance.choice(targets), name.split()[-1]):
                self.sent[name] += 1
                if name == "SIGSTOP":
                    self._resume_later(targets)
            self._resume(time.monotonic())
        self._resume(float("inf"))

    def _resume_later(self, targets: list[int]) -> None:
        due = time.monotonic() + self._chance.uniform(0.01, _LONGEST_STOP_S)
        for pid in targets:  # whichever it was; SIGCONT does the others no harm
            heapq.heappush(self._stopped, (due, pid))

    def _resume(self, now: float) -> None:
        while self._stopped and self._stopped[0][0] <= now:
            _send(heapq.heappop(self._stopped)[1], "SIGCONT")


def _send(pid: int, name: str) -> bool:
    try:
        os.kill(pid, getattr(signal, name))
    except ProcessLookupError:
        return False
    return True


def _one_of(chance: random.Random, weights: dict[str, Any]) -> str:
    return chance.choices(list(weights), list(weights.values()))[0]


class Soak:
    """Reads passes, one dataset after the other, and keeps the books."""

    def __init__(self, chance: random.Random, workers: int) -> None:
        self.counts: collections.Counter[str] = collections.Counter()
        self._chance = chance
        self._workers = workers

    def read_dataset(self, is_over: Any) -> None:
        import seq2data
        import seq2data.errors

        source = Chaotic()
        try:
            dataset = seq2data.to_dataset(
                source, workers=self._workers, max_queue_size=6
            )
        except seq2data.errors.WorkerCrashError:  # four in a row, of two workers
            self.counts["given_up"] += 1
            return
        for _ in range(_PASSES_PER_DATASET):
            if is_over():
                return
            source.epoch += 1
            self._read_pass(source, dataset)

    def _read_pass(self, source: Chaotic, dataset: Any) -> None:
        import tensorflow as tf

        kind = _one_of(self._chance, _PASSES)
        where = self._chance.randrange(1, _BATCHES)
        source.fault = (kind, where)
        slow = self._chance.sample(range(_BATCHES), self._chance.randrange(3))
        source.slow = frozenset(slow)
        self.counts["slow batches"] += len(slow)
        got: list[int] = []
        error = ""
        try:
            self._take(kind, where, dataset, got)
        except tf.errors.OpError as raised:
            error = str(raised)
        self._keep_books(source, got, error)

    def _take(self, kind: str, where: int, dataset: Any, got: list[int]) -> None:
        for batch in dataset:
            got.append(int(batch[0]))
            if len(got) == where and kind == "dropped":
                return
            if len(got) == where and kind == "stalls":
                time.sleep(_STALL_S)

    def _keep_books(self, source: Chaotic, got: list[int], error: str) -> None:
        kind, where = source.fault
        expected = [source.epoch * 1000 + index for index in range(_BATCHES)]
        fault = {"raises": "no such patient", "memory": "MemoryError"}.get(kind)
        if fault or kind == "dropped":
            expected = expected[:where]
        if f"died while it read batch {len(got)} " in error:
            self.counts["given_up"] += 1
            expected = expected[: len(got)]
        elif (fault is None) != (not error) or (fault or "") not in error:
            self.counts["wrong_errors"] += 1
            sys.stderr.write(f"{source.fault}, {len(got)} batches: {error}\n")
        if fault and f"batch {where} of `Chaotic`" in error:
            self.counts[kind] += 1
        if kind in ("dropped", "stalls"):
            self.counts[kind] += 1
        self.counts["batches"] += len(got)
        self.counts["lost"] += len(set(expected) - set(got))
        self.counts["duplicated"] += len(got) - len(set(got))
        self.counts["out_of_order"] += got != sorted(got)
        self.counts["made_up"] += len(set(got) - set(expected))


def chaos(args: argparse.Namespace) -> Figures:
    mark_processes()
    soak = Soak(random.Random(args.seed), args.workers)
    for _ in range(_WARM_UP):
        soak.read_dataset(lambda: False)
    soak.counts.clear()
    before = settled(None)
    signals = Signals(random.Random(args.seed + 1), args.per_second)
    start = time.monotonic()

    def faults() -> int:
        sources = ("raises", "memory", "dropped", "stalls", "slow batches")
        return signals.sent.total() + sum(soak.counts[name] for name in sources)

    def is_over() -> bool:
        return faults() >= args.faults and time.monotonic() - start >= args.seconds

    try:
        while not is_over():
            soak.read_dataset(is_over)
    finally:
        signals.end()
    after = settled(before)
    counts = {
        name: float(count) for name, count in (soak.counts + signals.sent).items()
    }
    must_be_zero = ("lost", "duplicated", "out_of_order", "made_up", "wrong_errors")
    return {
        **counts,
        **{name: float(soak.counts[name]) for name in (*must_be_zero, "given_up")},
        "seconds": time.monotonic() - start,
        "faults": float(faults()),
        **{f"leaked_{key}": max(0.0, after[key] - before[key]) for key in COUNTED},
        "memory_mb_growth": after["memory_mb"] - before["memory_mb"],
    }


def main() -> None:
    parser = argument_parser(__doc__, rounds=1)
    parser.set_defaults(limit_s=3600.0)
    parser.add_argument("--seconds", type=float, default=600.0, help="at least")
    parser.add_argument("--faults", type=int, default=5000, help="at least")
    parser.add_argument("--per-second", type=float, default=12.0, help="signals")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=4)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:  # no other program's files count
        if not args.contestant:
            os.environ["TMPDIR"] = folder
        results = compete({"chaos": chaos}, args, fresh=True, warm_up=False)
    print_results(results, seed=args.seed, workers=args.workers)
    for figures in results.get("chaos", {}).values():
        wrong = ("lost", "duplicated", "out_of_order", "made_up", "wrong_errors")
        leaked = [f"leaked_{key}" for key in COUNTED]
        total = sum(figures[name] for name in (*wrong, *leaked))
        print_row("nothing lost or leaked", wrong=total, target="0", met=total == 0)


if __name__ == "__main__":
    main()
