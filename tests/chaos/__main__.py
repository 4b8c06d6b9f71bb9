"""Runs random programs until the time is over, and prints what is wrong with them.

    python -m tests.chaos [--seconds 120] [--seed 7] [--jobs 1]
    python -m tests.chaos --program SEED      runs one of them again
    python -m tests.chaos --show SEED         prints it, as a script that runs by itself

The first line tells the seed, each find is one line of JSON, and so is the end. The
exit status is 1 if there was a find.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.chaos.choices import draw, program_seed
from tests.chaos.program import text_of
from tests.chaos.run import LIMIT_S, interpreter, run
from tests.deadlocks.fork_server import ForkServer


def main(arguments: list[str]) -> int:
    args = _parser().parse_args(arguments)
    if args.show is not None:
        sys.stdout.write(text_of(draw(args.show)))
        return 0
    _print_row(seed=args.seed if args.program is None else args.program)
    fuzz = _Fuzz(args.limit_s)
    try:
        if args.program is not None:
            fuzz.run_program(args.program)
        else:
            fuzz.run_until(args.seed, time.monotonic() + args.seconds, args.jobs)
    finally:
        fuzz.close()
    return int(bool(fuzz.finds))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--seconds", type=float, default=120.0, help="how long to begin programs")
    chosen = random.SystemRandom().randrange(10**6)
    add("--seed", type=int, default=chosen, help="of the run; by default random")
    add("--jobs", type=int, default=1, help="programs at once")
    add("--limit-s", type=float, default=LIMIT_S, help="a longer program hangs")
    add("--program", type=int, metavar="SEED", help="run this program only")
    add("--show", type=int, metavar="SEED", help="print this program")
    return parser


class _Fuzz:
    """Runs programs, prints finds, and counts.

    Attributes:
        finds: How many programs were wrong.
    """

    def __init__(self, limit_s: float) -> None:
        self.finds = 0
        self._programs = 0
        self._began = time.monotonic()
        self._limit_s = limit_s
        self._server = ForkServer()
        self._lock = threading.Lock()

    def run_until(self, seed: int, deadline: float, jobs: int) -> None:
        numbers = itertools.count()

        def work() -> None:
            while time.monotonic() < deadline:
                with self._lock:
                    number = next(numbers)
                self.run_program(program_seed(seed, number))

        with ThreadPoolExecutor(jobs) as pool:
            for done in [pool.submit(work) for _ in range(jobs)]:
                done.result()

    def run_program(self, seed: int) -> None:
        found = run(draw(seed), self._server, limit_s=self._limit_s)
        with self._lock:
            self._programs += 1
            if found is not None:
                self.finds += 1
                _print_row(**found)

    def close(self) -> None:
        self._server.close()
        _print_row(
            programs=self._programs,
            seconds=round(time.monotonic() - self._began, 1),
            finds=self.finds,
            versions=interpreter(),
        )


def _print_row(**facts: Any) -> None:
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
