"""The README's code runs as it stands there, on each Keras."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import numpy as np
import pytest

import seq2data

PATH = Path(__file__).resolve().parents[1] / "README.md"
README = PATH.read_text(encoding="utf-8")
BEFORE, AFTER = re.findall(r"^```python\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
ROW = re.compile(r"^\| [^|]+ \| `([^`]+)`", re.MULTILINE)

pytestmark = pytest.mark.tensorflow


def is_python(code: str) -> bool:
    try:
        ast.parse(code)
    except SyntaxError:
        return False
    return True


TYPED = [
    code for code in ROW.findall(README) if is_python(code) and "seq2data." in code
]


class MySequence:
    """A Sequence as scripts have it; it is one for Keras where that matters."""

    def __init__(self, files):
        self.files = files

    def __len__(self):
        return len(self.files)

    def __getitem__(self, index):
        return np.full([4, 2], self.files[index], np.float32), np.ones([4, 1])


def generate():
    while True:
        yield np.ones([4, 2], np.float32), np.ones([4, 1], np.float32)


def generate_once():
    for _ in range(3):
        yield np.ones([4, 2], np.float32), np.ones([4, 1], np.float32)


def load(sample):
    return np.full([2], sample, np.float32)


@pytest.fixture
def names():
    """What the README's code finds."""
    from tensorflow import keras

    rows, labels = np.ones([12, 4, 4, 3], np.float32), np.ones([12, 1], np.float32)
    images = keras.preprocessing.image.ImageDataGenerator()
    found = {
        "seq2data": seq2data,
        "MySequence": MySequence,
        "files": [1, 2, 3],
        "generate": generate,
        "generate_once": generate_once,
        "images": images.flow(rows, labels),
        "iterator": zip([np.ones([4, 2])] * 3, [np.ones([4, 1])] * 3),
        "load": load,
        "model": compiled_model((2,)),
        "samples": range(70),
    }
    yield found
    seq2data.unpatch_keras()
    found.clear()  # the datasets with it, whose workers would be left


def compiled_model(shape):
    from tensorflow import keras

    layers = [keras.Input(shape), keras.layers.Flatten(), keras.layers.Dense(1)]
    model = keras.Sequential(layers)
    model.compile("sgd", "mse")
    return model


def test_code_is_found():
    assert "fit_generator" in BEFORE
    assert "to_dataset" in AFTER
    assert len(TYPED) >= 8


def test_code_before_runs_under_the_patches(names):
    seq2data.patch_keras()
    exec(BEFORE, names)
    assert names["model"].optimizer.iterations == 15


def test_code_after_trains_as_many_steps(names):
    exec(AFTER, names)
    assert names["model"].optimizer.iterations == 15


@pytest.mark.filterwarnings("ignore:Your input ran out of data:UserWarning")
@pytest.mark.parametrize("code", TYPED)
def test_code_of_the_table_runs(code, names):
    if "images" in code:
        names["model"] = compiled_model((4, 4, 3))
    exec(code, names)
