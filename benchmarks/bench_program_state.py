"""What does it cost, at each epoch, to find out what the program has set?

    python benchmarks/bench_program_state.py [--modules 20] [--epochs 50]

Workers get the globals of the user's modules and the settings of libraries, and get
them again if they have changed. Timed is the beginning of an epoch when nothing has
changed: to collect and compare all of it (`pack_ms`), to do the same with the source
alone (`source_ms`), and the difference (`state_ms`). The program has imported
TensorFlow, pandas, OpenCV if it is installed, and its own modules. Each of these has 20
constants, three tables, functions, a decorated one, and a class. `global_100mb` has an
array of 100 MB in one of them, `list_100mb` as many bytes in a list of texts.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from measure import (
    Figures,
    argument_parser,
    compete,
    print_results,
    print_row,
)

_TARGETS_MS = {"small_globals": 1.0, "array_100mb": 20.0, "bytes_100mb": 20.0}
_MODULE = """
import functools
import numpy as np
{imports}
{constants}
TABLE = {{"a": [1, 2, 3], "b": {{"c": 1.5}}}}
NAMES = ["one", "two", "three"]
SIZES = (1, 2, 3)
DATA = None

def timed(function):
    @functools.wraps(function)
    def inner(*args):
        return function(*args)
    return inner

@timed
def scale(value):
    return value * CONSTANT_0 + TABLE["a"][0]

def describe(value):
    return NAMES, SIZES, DATA, np.shape(value)

class Part:
    gain = 2
    table = TABLE

    def __init__(self):
        self.gain = Part.gain

    def __len__(self):
        return 8

    def __getitem__(self, index):
        return np.full(4, scale(index) + self.gain + {calls})
"""


def _source(args: argparse.Namespace) -> tuple[Any, Any]:
    """Makes and imports the modules; gives the last one's class's instance, and it."""
    import pandas  # noqa: F401  # a program has it
    import tensorflow  # noqa: F401

    with contextlib.suppress(ImportError):
        import cv2  # noqa: F401
    folder = Path(tempfile.mkdtemp())
    sys.path.insert(0, str(folder))
    constants = "\n".join(f"CONSTANT_{k} = {k}" for k in range(20))
    for number in range(args.modules):
        others = range(max(0, number - 2), number)
        text = _MODULE.format(
            imports="\n".join(f"import own_{k}" for k in others),
            constants=constants,
            calls=" + ".join(["0", *(f"own_{k}.scale(1)" for k in others)]),
        )
        (folder / f"own_{number}.py").write_text(text)
    module = importlib.import_module(f"own_{args.modules - 1}")
    return module.Part(), module


def _figures(args: argparse.Namespace, source: Any) -> Figures:
    from seq2data.source.adapt import adapt
    from seq2data.workers.payload.payload import pack
    from seq2data.workers.payload.pickler import dumps

    adapted = adapt(source)
    first_ms = _time_ms(lambda: pack(adapted, None))
    payload = pack(adapted, None)
    pack_ms = [_time_ms(lambda: pack(adapted, payload)) for _ in range(args.epochs)]
    source_ms = [
        _time_ms(lambda: dumps(adapted, lambda _: False)) for _ in range(args.epochs)
    ]
    return {
        "state_ms": median(pack_ms) - median(source_ms),
        "pack_ms": median(pack_ms),
        "source_ms": median(source_ms),
        "first_ms": first_ms,
    }


def _time_ms(function: Callable[[], object]) -> float:
    began = time.perf_counter()
    function()
    return 1000 * (time.perf_counter() - began)


def small_globals(args: argparse.Namespace) -> Figures:
    source, _ = _source(args)
    return _figures(args, source)


def array_100mb(args: argparse.Namespace) -> Figures:
    import numpy as np

    source, module = _source(args)
    module.DATA = np.ones(100_000_000 // 8)
    return _figures(args, source)


def bytes_100mb(args: argparse.Namespace) -> Figures:
    source, module = _source(args)
    module.DATA = bytes(100_000_000)
    return _figures(args, source)


def texts_100mb(args: argparse.Namespace) -> Figures:
    source, module = _source(args)
    module.DATA = [f"{number:0100d}" for number in range(1_000_000)]
    return _figures(args, source)


CONTESTANTS = {
    "small_globals": small_globals,
    "array_100mb": array_100mb,
    "bytes_100mb": bytes_100mb,
    "texts_100mb": texts_100mb,
}


def main() -> None:
    parser = argument_parser(__doc__, rounds=1)
    parser.add_argument("--modules", type=int, default=20)
    parser.add_argument("--epochs", type=int, default=50)
    args = parser.parse_args()
    options = ["--modules", str(args.modules), "--epochs", str(args.epochs)]
    results = compete(CONTESTANTS, args, fresh=True, warm_up=False, options=options)
    print_results(results, modules=args.modules)
    for name, bound in _TARGETS_MS.items():
        for figures in results.get(name, {}).values():
            print_row(
                f"{name}: state",
                state_ms=round(figures["state_ms"], 3),
                target=f"<= {bound:g} ms",
                met=figures["state_ms"] <= bound,
            )


if __name__ == "__main__":
    main()
