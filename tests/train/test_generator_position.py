"""How far a generator is read, which others see that call it as well."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

import seq2data  # noqa: E402
from tests.train.sources import Numbered, items  # noqa: E402
from tests.train.test_generator_methods import recorder  # noqa: E402

keras = tf.keras
pytestmark = pytest.mark.tensorflow

WAYS = [{"workers": 0}, {"workers": 1}, {"workers": 3, "max_queue_size": 5}]
every_way = pytest.mark.parametrize("way", WAYS, ids=str)


def next_of(generator: Iterator[Any]) -> int:
    return int(next(generator)[0][0, 0])


@every_way
def test_calls_leave_what_they_have_not_taken(way: dict[str, Any]) -> None:
    generator, model = items(100), recorder()
    seq2data.evaluate_generator(model, generator, 3, **way)
    assert model.seen == [-1, -2, -3]
    assert next_of(generator) == 3
    assert seq2data.predict_generator(model, generator, 3, **way).shape == (12, 1)
    assert next_of(generator) == 7


def test_training_reads_ahead_as_far_as_keras_2_3() -> None:
    """Old scripts depend on it where a generator draws from `numpy.random`."""
    read, model = [], recorder()

    def reading() -> Iterator[Any]:
        for index, item in enumerate(items(100)):
            read.append(index)
            yield item

    seq2data.fit_generator(model, reading(), 4, 2, max_queue_size=3, verbose=0)
    assert model.seen == list(range(8))
    assert 8 <= len(read) <= 8 + 3


class Reads(keras.callbacks.Callback):
    """Takes batches of the validation's generator, as old callbacks do to plot them."""

    def __init__(self, generator: Any, hooks: tuple[str, ...]) -> None:
        super().__init__()
        self.read: list[int] = []
        for hook in hooks:
            setattr(self, hook, lambda *_, **__: self.read.append(next_of(generator)))


@every_way
@pytest.mark.parametrize("steps", [2, 3, 8])
def test_callback_may_read_the_generator_of_the_validation(
    steps: int, way: dict[str, Any]
) -> None:
    generator, model = items(200), recorder()
    reads = Reads(generator, ("on_epoch_end",))
    seq2data.fit_generator(
        model,
        items(100),
        5,
        4,
        callbacks=[reads],
        validation_data=generator,
        validation_steps=steps,
        verbose=0,
        **way,
    )
    validated = [-1 - code for code in model.seen if code < 0]
    stretch = steps + 1  # a validation, and what the callback takes
    assert reads.read == [epoch * stretch + steps for epoch in range(4)]
    assert validated == [i for i in range(4 * stretch) if i % stretch != steps]


@every_way
def test_callback_may_read_it_at_any_time_but_during_a_validation(
    way: dict[str, Any],
) -> None:
    generator, model = items(200), recorder()
    hooks = "on_train_begin", "on_train_batch_end", "on_epoch_begin", "on_epoch_end"
    reads = Reads(generator, hooks)
    seq2data.fit_generator(
        model,
        Numbered(6),
        epochs=3,
        callbacks=[reads],
        validation_data=generator,
        validation_steps=2,
        verbose=0,
        **way,
    )
    validated = [-1 - code for code in model.seen if code < 0]
    assert sorted(validated + reads.read) == list(range(1 + 3 * 8 + 6))
    assert validated[:2] == [0, 1]  # read to learn the shapes
    assert reads.read == sorted(reads.read)


def test_callback_has_no_validation_data_as_in_keras_2(patched: None) -> None:
    class Looks(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            assert self.validation_data is None

    recorder().fit(Numbered(2), callbacks=[Looks()], verbose=0)


class Total(keras.metrics.Metric):
    """The sum of ten to the power of what it is told, which tells what that was."""

    def __init__(self) -> None:
        super().__init__(name="total")
        self.total = self.add_weight(name="total", initializer="zeros")

    def update_state(self, y: Any, *_: Any, **__: Any) -> None:
        self.total.assign_add(10.0 ** tf.cast(y[0, 0], tf.float32))

    def result(self) -> Any:
        return self.total + 0.0

    def reset_state(self) -> None:
        self.total.assign(0.0)


def coded() -> Iterator[Any]:
    for index in range(100):
        yield np.full((2, 1), index, np.float32), np.full((2, 1), index, np.float32)


def digits(total: float) -> list[int]:
    """The batches, of 0 to 5, that were told; in float32 there is room for no more."""
    return [int(digit) for digit in reversed(str(round(total)))]


@every_way
@pytest.mark.parametrize(("steps", "at_once"), [(4, 3), (2, 3), (5, 2), (4, 4)])
def test_steps_per_execution_reads_no_more_than_the_steps(
    steps: int, at_once: int, way: dict[str, Any]
) -> None:
    """Keras 2.15 trains on 4 of 4, by executions of 3 and 1 steps; Keras 3 on 6."""
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse", metrics=[Total()], steps_per_execution=at_once)
    dataset, validation = seq2data.to_dataset(coded(), workers=0), coded()
    history = seq2data.fit_generator(
        model,
        dataset,
        steps,
        validation_data=validation,
        validation_steps=steps,
        verbose=0,
        **way,
    ).history
    assert digits(history["total"][0]) == [1] * steps
    assert digits(history["val_total"][0]) == [1] * steps
    assert [next_of(iter(dataset)), next_of(validation)] == [steps, steps]
    assert digits(seq2data.evaluate_generator(model, coded(), steps, **way)[1]) == [
        1
    ] * (steps)
    assert seq2data.predict_generator(model, coded(), steps).shape == (2 * steps, 1)
