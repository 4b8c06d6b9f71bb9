"""Runs the contestants of a benchmark in turn and prints one JSON line per row.

Each contestant runs in a process of its own, and so has no threads, workers or memory
of another one. All are measured in turn, round after round, so a busy machine slows all
of them. The first round warms up and does not count. Printed are the medians of the
rounds, and the median of the ratios within a round.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import select
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

Figures = dict[str, float]
Contestant = Callable[[argparse.Namespace], Figures]
Results = dict[str, dict[int, Figures]]  # by contestant and round

_DISTRIBUTIONS = ("seq2data", "tensorflow", "keras", "numpy", "torch", "grain", "loky")
_EXIT_S = 10.0  # how long a contestant may take to clean up before it is killed


class Target(NamedTuple):
    """A bound on one figure of a contestant, as a multiple of a peer's.

    Without a bound the multiple is only printed.
    """

    contestant: str
    figure: str
    peer: str
    bound: float | None = None
    at_least: bool = False


def argument_parser(question: str, *, rounds: int) -> argparse.ArgumentParser:
    """Returns a parser with the options that every benchmark has."""
    parser = argparse.ArgumentParser(description=question.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--only", nargs="+", metavar="CONTESTANT", default=None)
    parser.add_argument("--limit-s", type=float, default=300.0)
    parser.add_argument("--contestant", help=argparse.SUPPRESS)
    return parser


def compete(
    contestants: Mapping[str, Contestant],
    args: argparse.Namespace,
    *,
    fresh: bool = False,
    warm_up: bool = True,
    options: Sequence[str] = (),
) -> Results:
    """Measures every contestant `args.rounds` times, in turn.

    Args:
        contestants: What to measure, by name.
        args: What `argument_parser` parsed.
        fresh: Start a new process for each measurement.
        warm_up: Run one round more and drop its figures.
        options: Further command line options for the contestants' processes.
    """
    if args.contestant:
        _serve(contestants[args.contestant], args)
    names = [name for name in contestants if not args.only or name in args.only]
    results: Results = {name: {} for name in names}
    with contextlib.ExitStack() as stack:
        lanes = {name: _Lane(name, options, args.limit_s) for name in names}
        for lane in lanes.values():
            stack.callback(lane.close)
        for index in range(args.rounds + warm_up):
            for name in names:
                figures = lanes[name].measure()
                if figures is not None and index >= warm_up:
                    results[name][index] = figures
                if fresh:
                    lanes[name].close()
    for name in names:
        if not results[name]:
            results.pop(name)
            print_row(name, error=lanes[name].error)
    return results


def print_row(row: str, **fields: Any) -> None:
    """Prints one JSON line: the benchmark, the row, its figures, the machine."""
    benchmark = Path(sys.argv[0]).stem.removeprefix("bench_")
    line = {"benchmark": benchmark, "row": row, **fields, **_machine()}
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def print_results(results: Results, **fields: Any) -> None:
    """Prints one row per contestant with the medians of its figures."""
    for name, rounds in results.items():
        print_row(name, **fields, **medians(rounds.values()), rounds=len(rounds))


def print_targets(results: Results, targets: Iterable[Target]) -> None:
    """Prints one row per target: the median ratio and whether it keeps the bound."""
    for target in targets:
        if target.contestant in results and target.peer in results:
            ratios = _ratios(results, target)
            ratio = median(ratios)
            print_row(
                f"{target.contestant} / {target.peer}",
                figure=target.figure,
                ratio=round(ratio, 4),
                lowest=round(min(ratios), 4),
                highest=round(max(ratios), 4),
                **_verdict(target, ratio),
            )


def medians(rounds: Iterable[Figures]) -> Figures:
    """Returns the median over the rounds of each figure, rounded to four digits."""
    rows = list(rounds)
    return {key: round(median(row[key] for row in rows), 4) for key in rows[0]}


def seconds_per_batch(
    batches: Iterable[Any], *, skip: int, take: int, last: Callable[[Any], bool]
) -> float:
    """Times `take` batches in the middle of an epoch, then reads it to its end.

    The first `skip` batches (workers starting) and the tail (workers idle, queues
    running dry) are left out.

    Args:
        batches: One epoch.
        skip: How many batches to read before the clock starts.
        take: How many batches to time.
        last: Returns True if the last batch of the epoch is right.
    """
    iterator = iter(batches)
    for _ in range(skip):
        batch = next(iterator)
    start = time.perf_counter()
    for _ in range(take):
        batch = next(iterator)
    elapsed = time.perf_counter() - start
    batch = deque(iterator, maxlen=1).pop()
    if not last(batch):
        raise ValueError("The last batch of the pass has wrong values.")
    return elapsed / take


class _Lane:
    """The parent's end of the process that a contestant runs in.

    A contestant that fails or takes longer than its limit is killed and started
    afresh for its next round; what happened last is kept in `error`.
    """

    def __init__(self, name: str, options: Sequence[str], limit_s: float) -> None:
        self._command = [sys.executable, *sys.argv, *options, "--contestant", name]
        self._limit_s = limit_s
        self._process: subprocess.Popen[str] | None = None
        self.error = "no rounds"

    def measure(self) -> Figures | None:
        if self._process is None:
            self._process = self._start()
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write("go\n")
        self._process.stdin.flush()
        answered, _, _ = select.select([self._process.stdout], [], [], self._limit_s)
        line = self._process.stdout.readline() if answered else ""
        if line:
            figures: Figures = json.loads(line)
            return figures
        self.error = "failed, see stderr" if answered else f"hung {self._limit_s:g} s"
        sys.stderr.write(f"{' '.join(self._command)}: {self.error}\n")
        self._process.kill()
        self.close()
        return None

    def close(self) -> None:
        if self._process is None:
            return
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        try:
            self._process.wait(_EXIT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        self._process = None

    def _start(self) -> subprocess.Popen[str]:
        environ = {"TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": "tensorflow"}
        return subprocess.Popen(
            self._command,
            env={**os.environ, **environ},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )


def _serve(contestant: Contestant, args: argparse.Namespace) -> None:
    """Answers each line on stdin with one measurement, in the contestant's process."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what libraries print
    for _ in sys.stdin:
        answers.write(json.dumps(contestant(args)) + "\n")
        answers.flush()
    raise SystemExit(0)


def _ratios(results: Results, target: Target) -> list[float]:
    """Returns the ratio in each round; in a round that one failed, over its median."""
    ours, peers = results[target.contestant], results[target.peer]
    spare = medians(peers.values())
    return [
        figures[target.figure] / peers.get(index, spare)[target.figure]
        for index, figures in ours.items()
    ]


def _verdict(target: Target, ratio: float) -> dict[str, Any]:
    if target.bound is None:
        return {}
    if target.at_least:
        return {"target": f">= {target.bound:g}", "met": ratio >= target.bound}
    return {"target": f"<= {target.bound:g}", "met": ratio <= target.bound}


def _machine() -> dict[str, Any]:
    versions = {"python": platform.python_version()}
    for name in _DISTRIBUTIONS:
        with contextlib.suppress(metadata.PackageNotFoundError):
            versions[name] = metadata.version(name)
    return {
        "versions": versions,
        "cpu": _cpu_model(),
        "cores": len(os.sched_getaffinity(0)),
        "load": round(os.getloadavg()[0], 2),
    }


def _cpu_model() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()
