"""How long does the first batch take, and what does each further worker add?

    python benchmarks/bench_start.py [--workers 2]

Timed is the way from the call of `to_dataset` to the first batch, in a fresh process
that has loaded and used TensorFlow, as any training script has. It is compared with the
time that a fresh interpreter needs to import the user's module: no clean process can
cost less. There are two modules: one imports numpy, one imports `tensorflow.keras`. The
cost of a further worker is the time until all of nine workers have read a batch, less
the time until a single worker has, divided by eight.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
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

_HEADS = {
    "numpy": "import numpy as np\nBase = object",
    "keras": (
        "import numpy as np\nfrom tensorflow import keras\nBase = keras.utils.Sequence"
    ),
}
_BODY = '''
import os
import time


class Data(Base):
    """Batches that hold the pid of their worker, and the time."""

    def __init__(self, batches, seconds=0.0):
        self.batches, self.seconds = batches, seconds

    def __len__(self):
        return self.batches

    def __getitem__(self, index):
        time.sleep(self.seconds)
        return np.array([index, os.getpid(), time.monotonic()])
'''
_IMPORT = "import sys; sys.path.insert(0, {folder!r}); import {module}; print(1)"
_MANY = 9
_FACTOR, _EXTRA_S, _FURTHER_MS = 1.3, 0.3, 50.0


def first_batch(head: str) -> Callable[[argparse.Namespace], Figures]:
    def contestant(args: argparse.Namespace) -> Figures:
        to_dataset, data = _prepare(args, head)
        start = time.monotonic()
        batches = iter(to_dataset(data(100), workers=args.workers))
        next(batches)
        return {"seconds": time.monotonic() - start}

    return contestant


def fresh_import(head: str) -> Callable[[argparse.Namespace], Figures]:
    def contestant(args: argparse.Namespace) -> Figures:
        code = _IMPORT.format(folder=args.folder, module=f"user_{head}")
        command = [sys.executable, "-c", code]
        start = time.monotonic()
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout
            process.stdout.readline()
            return {"seconds": time.monotonic() - start}

    return contestant


def all_serving(head: str, workers: int) -> Callable[[argparse.Namespace], Figures]:
    """Times until each of the workers has read a batch (of 10 ms, so that all must)."""

    def contestant(args: argparse.Namespace) -> Figures:
        to_dataset, data = _prepare(args, head)
        start = time.monotonic()
        first: dict[int, float] = {}
        for batch in to_dataset(data(500, 0.010), workers=workers):
            _, pid, moment = np.asarray(batch)
            if pid != os.getpid():
                first.setdefault(int(pid), float(moment))
            if len(first) == workers:
                return {"seconds": max(first.values()) - start}
        raise ValueError(f"Only {len(first)} of {workers} workers read a batch.")

    return contestant


def _prepare(args: argparse.Namespace, head: str) -> tuple[Callable[..., Any], Any]:
    """Loads and warms what a training script has, and the user's module."""
    import tensorflow as tf

    import seq2data

    for number in tf.data.Dataset.range(3).map(lambda x: x + 1):
        tf.square(number)
    sys.path.insert(0, args.folder)
    return seq2data.to_dataset, import_module(f"user_{head}").Data


_CONTESTANTS = {
    "import_numpy": fresh_import("numpy"),
    "first_batch_numpy": first_batch("numpy"),
    "import_keras": fresh_import("keras"),
    "first_batch_keras": first_batch("keras"),
    "serving_numpy_1": all_serving("numpy", 1),
    f"serving_numpy_{_MANY}": all_serving("numpy", _MANY),
    "serving_keras_1": all_serving("keras", 1),
    f"serving_keras_{_MANY}": all_serving("keras", _MANY),
}


def _print_first_batch(results: Results, head: str) -> None:
    ours, peer = f"first_batch_{head}", f"import_{head}"
    if ours in results and peer in results:
        seconds = medians(results[ours].values())["seconds"]
        allowed = _FACTOR * medians(results[peer].values())["seconds"] + _EXTRA_S
        print_row(
            f"first batch, module importing {head}",
            seconds=seconds,
            allowed_s=round(allowed, 4),
            target=f"<= {_FACTOR} x import + {_EXTRA_S} s",
            met=seconds <= allowed,
        )


def _print_further_worker(results: Results, head: str) -> None:
    one, many = f"serving_{head}_1", f"serving_{head}_{_MANY}"
    if one in results and many in results:
        further_ms = median(
            (results[many][index]["seconds"] - results[one][index]["seconds"])
            / (_MANY - 1)
            * 1e3
            for index in results[one].keys() & results[many].keys()
        )
        print_row(
            f"further worker, module importing {head}",
            milliseconds=round(further_ms, 2),
            target=f"<= {_FURTHER_MS:g} ms",
            met=further_ms <= _FURTHER_MS,
        )


def main() -> None:
    parser = argument_parser(__doc__, rounds=5)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for head, text in _HEADS.items():
            (Path(folder) / f"user_{head}.py").write_text(text + "\n" + _BODY)
        options = ["--folder", folder]
        results = compete(_CONTESTANTS, args, fresh=True, options=options)
    print_results(results, workers=args.workers)
    for head in _HEADS:
        _print_first_batch(results, head)
        _print_further_worker(results, head)


if __name__ == "__main__":
    main()
