"""Every example in a docstring runs, and prints what it says that it prints.

Examples may use the names of `NAMES`. A result that an example does not show may be
anything: `model.fit(...)` returns a History.
"""

from __future__ import annotations

import ast
import doctest
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import seq2data

pytest.importorskip("tensorflow")

pytestmark = pytest.mark.tensorflow

PACKAGE = Path(seq2data.__file__).parent
WITH_DOCSTRINGS = (ast.Module, ast.ClassDef, ast.FunctionDef)


class MySequence:
    """The legacy class that a reader of the examples has."""

    def __init__(self, files: list[str], labels: list[int], batch_size: int) -> None:
        self.files, self.labels, self.batch_size = files, labels, batch_size

    def __len__(self) -> int:
        return math.ceil(len(self.files) / self.batch_size)

    def __getitem__(self, index: int) -> Any:
        rows = slice(index * self.batch_size, (index + 1) * self.batch_size)
        labels = np.array(self.labels[rows])
        return np.ones((len(labels), 2), np.float32), labels


class Checker(doctest.OutputChecker):
    """Compares only what an example shows."""

    def check_output(self, want: str, got: str, optionflags: int) -> bool:
        return not want or super().check_output(want, got, optionflags)


def examples_in(file: Path) -> Iterator[doctest.DocTest]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        text = ast.get_docstring(node) if isinstance(node, WITH_DOCSTRINGS) else None
        if text and ">>>" in text:
            name = f"{file.relative_to(PACKAGE)}::{getattr(node, 'name', 'module')}"
            yield doctest.DocTestParser().get_doctest(text, {}, name, str(file), None)


FILES = sorted(PACKAGE.rglob("*.py"))
EXAMPLES = [example for file in FILES for example in examples_in(file)]
PUBLIC = ("to_dataset", "wrap", "fit_generator", "register_reducer")


@pytest.fixture
def names() -> dict[str, Any]:
    from tensorflow import keras

    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    return {
        "seq2data": seq2data,
        "np": np,
        "model": model,
        "MySequence": MySequence,
        "files": [f"{number}.jpg" for number in range(80)],
        "labels": list(range(80)),
    }


def failures_of(test: doctest.DocTest, names: dict[str, Any]) -> str:
    """What doctest reports of an example that fails; "" if all run."""
    report: list[str] = []
    test.globs.update(names)
    doctest.DocTestRunner(Checker(), verbose=False).run(test, out=report.append)
    return "".join(report)


@pytest.mark.parametrize("test", EXAMPLES, ids=lambda test: test.name)
def test_example_runs(test: doctest.DocTest, names: dict[str, Any]) -> None:
    assert test.examples
    assert failures_of(test, names) == ""


@pytest.mark.parametrize("name", PUBLIC)
def test_public_function_has_an_example(name: str) -> None:
    assert any(test.name.endswith(f".py::{name}") for test in EXAMPLES)


@pytest.mark.parametrize("text", [">>> no_such_name", ">>> 1 + 1\n3"])
def test_example_that_fails_is_reported(text: str, names: dict[str, Any]) -> None:
    test = doctest.DocTestParser().get_doctest(text, {}, "bad", None, None)
    assert "bad" in failures_of(test, names)
