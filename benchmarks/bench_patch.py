"""How much does `patch_keras` add to a `fit` on arrays?

    python benchmarks/bench_patch.py [--fits 60]

One process fits one small model on arrays, in turn with and without the patches, so
that both meet the same machine. The times of single fits differ by more than the
patches can cost. `call_us` therefore times a `fit` that does nothing: the patches add
no more than that.
"""

from __future__ import annotations

import argparse
import functools
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np
from measure import Figures, argument_parser, compete, print_results, print_row

_SAMPLES, _FEATURES = 2048, 16
_CALLS = 2000
_BOUND = 1.01


def arrays(args: argparse.Namespace) -> Figures:
    import keras

    import seq2data

    model = keras.Sequential(
        [keras.layers.Dense(32, activation="relu"), keras.layers.Dense(1)]
    )
    model.compile("sgd", "mse")
    x = np.zeros((_SAMPLES, _FEATURES), np.float32)
    y = np.zeros((_SAMPLES, 1), np.float32)

    def fit() -> None:
        model.fit(x, y, verbose=0)

    fit()
    plain, patched = [], []
    for _ in range(args.fits):
        plain.append(seconds(fit))
        seq2data.patch_keras()
        patched.append(seconds(fit))
        seq2data.unpatch_keras()
    ratios = [mine / its for mine, its in zip(patched, plain)]
    fit_s = median(plain)
    call_s = call_seconds(keras.Model, x, y)
    return {
        "fit_ms": 1e3 * fit_s,
        "side_by_side": median(ratios),
        "call_us": 1e6 * call_s,
        "ratio": 1 + call_s / fit_s,
    }


def call_seconds(model_class: Any, x: np.ndarray, y: np.ndarray) -> float:
    """Seconds that the patch adds to one call of `fit`."""
    import seq2data

    keras_fit = model_class.fit
    model_class.fit = functools.wraps(keras_fit)(nothing)
    try:
        model = model_class()
        without = seconds(lambda: calls(model, x, y))
        seq2data.patch_keras()
        with_patch = seconds(lambda: calls(model, x, y))
        seq2data.unpatch_keras()
    finally:
        model_class.fit = keras_fit
    return (with_patch - without) / _CALLS


def nothing(*arguments: Any, **named: Any) -> None:
    del arguments, named


def calls(model: Any, x: np.ndarray, y: np.ndarray) -> None:
    for _ in range(_CALLS):
        model.fit(x, y, verbose=0)


def seconds(function: Callable[[], None]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def main() -> None:
    parser = argument_parser(__doc__, rounds=3)
    parser.add_argument("--fits", type=int, default=60)
    args = parser.parse_args()
    results = compete(
        {"arrays": arrays}, args, warm_up=False, options=["--fits", str(args.fits)]
    )
    print_results(results)
    if "arrays" in results:
        ratio = median(figures["ratio"] for figures in results["arrays"].values())
        print_row(
            "patched fit / fit, on arrays",
            ratio=round(ratio, 5),
            target=f"<= {_BOUND:g}",
            met=ratio <= _BOUND,
        )


if __name__ == "__main__":
    main()
