"""A warning names the user's line, from wherever the user has called."""

from __future__ import annotations

import functools
import linecache
import threading
import warnings
from typing import Any, Callable

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

from tensorflow import keras  # noqa: E402  # needs TensorFlow

import seq2data  # noqa: E402  # needs TensorFlow
from seq2data.pipeline import readers  # noqa: E402

pytestmark = pytest.mark.tensorflow


class NotSent:
    """Its thread cannot be sent, so one thread of this process reads it."""

    def __init__(self) -> None:
        self.thread = threading.current_thread()

    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int) -> Any:
        return np.full((2, 3), index, np.float32), np.zeros((2, 1), np.float32)

    @classmethod
    def make(cls) -> Any:
        return cls()

    def again(self) -> Any:
        return type(self)()


class Batches:
    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int) -> Any:
        return np.full((2, 3), index, np.float32), np.zeros((2, 1), np.float32)


def made() -> Any:
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    return model


def to_dataset() -> None:
    seq2data.to_dataset(NotSent())  # here


def to_dataset_of_samples() -> None:
    seq2data.to_dataset(NotSent(), batch_size=2, transform=list)  # here


def to_dataset_called_by_the_standard_library() -> None:
    functools.partial(seq2data.to_dataset, NotSent())()  # here


def instance_of_a_wrapped_class() -> None:
    seq2data.wrap(NotSent)()  # here


def instance_of_a_class_that_inherits() -> None:
    class Inherits(seq2data.wrap(NotSent)):  # type: ignore[misc]
        pass

    Inherits()  # here


def instance_by_a_class_method() -> None:
    seq2data.wrap(NotSent).make()  # here


def instance_by_a_method() -> None:
    with warnings.catch_warnings(record=True):
        dataset = seq2data.wrap(NotSent)()
    dataset.again()  # here


ONE_THREAD = [
    to_dataset,
    to_dataset_of_samples,
    to_dataset_called_by_the_standard_library,
    instance_of_a_wrapped_class,
    instance_of_a_class_that_inherits,
    instance_by_a_class_method,
    instance_by_a_method,
]


def lines(call: Callable[[], None]) -> list[str]:
    """Returns the line of each warning that tells of one thread, or of the system."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    return [
        linecache.getline(warning.filename, warning.lineno).strip()
        for warning in caught
        if "one thread" in str(warning.message)
    ]


@pytest.mark.parametrize("call", ONE_THREAD, ids=lambda call: call.__name__)
def test_warning_of_the_one_thread_names_the_users_line(
    call: Callable[[], None],
) -> None:
    (line,) = lines(call)
    assert line.endswith("# here")


def fit_generator() -> None:
    seq2data.fit_generator(made(), Batches(), use_multiprocessing=True)  # here


def evaluate_generator() -> None:
    seq2data.evaluate_generator(made(), Batches(), use_multiprocessing=True)  # here


def predict_generator() -> None:
    seq2data.predict_generator(made(), Batches(), use_multiprocessing=True)  # here


def patched_fit() -> None:
    model = made()
    model.fit(Batches(), use_multiprocessing=True, verbose=0)  # here


def patched_evaluate() -> None:
    model = made()
    model.evaluate(Batches(), use_multiprocessing=True, verbose=0)  # here


def patched_method() -> None:
    model = made()
    model.predict_generator(Batches(), use_multiprocessing=True)  # here


FALLBACK = [
    *ONE_THREAD[:1],
    fit_generator,
    evaluate_generator,
    predict_generator,
    patched_fit,
    patched_evaluate,
    patched_method,
]


@pytest.mark.parametrize("call", FALLBACK, ids=lambda call: call.__name__)
def test_warning_of_what_the_system_lacks_names_the_users_line(
    call: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def warn(stacklevel: int) -> None:
        warnings.warn("one thread, say", RuntimeWarning, stacklevel)

    monkeypatch.setattr(readers, "warn_of_shortcomings", warn)
    seq2data.patch_keras()
    try:
        found = lines(call)
    finally:
        seq2data.unpatch_keras()
    assert found
    assert found[0].endswith("# here")
