"""What Keras's tests of training on Sequences check; UPSTREAM.md has the table."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

from tests.keras_version import IS_KERAS_3  # noqa: E402
from tests.train.test_generator_methods import recorder  # noqa: E402
from tests.train.upstream import Batches, Growing, batch, items  # noqa: E402
from tests.train.upstream_models import (  # noqa: E402
    Tracker,
    linear,
    squared_error,
    two_outputs,
)

keras = tf.keras  # that of Keras 3, Keras 2 or tf_keras
pytestmark = [pytest.mark.tensorflow, pytest.mark.usefixtures("patched")]

by_either_method = pytest.mark.parametrize("method", ["fit", "fit_generator"])


class Sequence(Batches, keras.utils.Sequence):
    """With a base of Keras, whose `__init__` it does not call."""


@pytest.mark.parametrize("use_multiprocessing", [True, False])
@pytest.mark.parametrize("steps", [10, 25])
def test_processes_are_for_workers_only(use_multiprocessing: bool, steps: int) -> None:
    """With `workers=0` batches are read here, the source beginning anew at its end."""
    model, source = recorder(), Sequence(10)
    model.fit_generator(
        source,
        steps_per_epoch=steps,
        verbose=0,
        shuffle=False,
        validation_data=items(),
        validation_steps=1,
        workers=0,
        use_multiprocessing=use_multiprocessing,
    )
    assert model.seen == [*(step % 10 for step in range(steps)), -1]
    assert set(source.read) == set(range(10))
    assert source.ends == steps // 10


def test_fit_evaluate_and_predict_take_a_sequence() -> None:
    trained, model = recorder(), linear()
    x, y = batch(7)
    trained.fit(Sequence(2), validation_data=(x, y), epochs=2, shuffle=False, verbose=0)
    assert trained.seen == [0, 1, -8] * 2
    parts = (np.concatenate(part) for part in zip(*items(2)))
    loss = model.evaluate(Sequence(2), verbose=0)
    assert loss == pytest.approx(squared_error(*parts))
    assert model.predict(Sequence(2), verbose=0)[:, 0].tolist() == [0.0] * 4 + [3.0] * 4


class Uneven(Sequence):
    def __getitem__(self, index: int) -> Any:
        return batch(index, rows=10 - index)


def test_batches_may_change_their_size() -> None:
    model = linear()
    model.fit(Uneven(2), validation_data=batch(1), epochs=2, verbose=0)
    assert np.isfinite(model.evaluate(Uneven(2), verbose=0))
    assert len(model.predict(Uneven(2), verbose=0)) == 19


@pytest.mark.parametrize("word", ["y", "sample_weight"])
def test_targets_and_weights_beside_a_sequence_are_refused(word: str) -> None:
    with pytest.raises(ValueError, match=word):
        recorder().fit(Sequence(2), **{word: np.ones((10, 1))}, verbose=0)


def test_hook_is_called_once_per_epoch() -> None:
    source = Sequence(2)
    recorder().fit(source, epochs=2, verbose=0)
    assert source.ends == 2


def test_fit_with_a_process_works_twice() -> None:
    model, source = recorder(), Batches(10)
    for _ in range(2):
        model.fit(
            source,
            workers=1,
            use_multiprocessing=True,
            max_queue_size=10,
            steps_per_epoch=10,
            verbose=0,
        )
    assert sorted(model.seen[:10]) == sorted(model.seen[10:]) == list(range(10))
    assert (source.read, source.ends) == ([], 2)


class Sparse(Sequence):
    def __getitem__(self, index: int) -> Any:
        indices = [[row, 2] for row in range(4)]
        return tf.SparseTensor(indices, [1.0, 2.0, 3.0, 4.0], (4, 3)), batch(0)[1]


class Ragged(Sequence):
    def __getitem__(self, index: int) -> Any:
        return tf.RaggedTensor.from_row_lengths([1, 2, 3, 4], [1, 3]), np.ones((2, 1))


@pytest.mark.filterwarnings("ignore:Converting sparse:UserWarning")  # Keras 2.10
def test_sparse_batches_are_read() -> None:
    model = keras.Sequential(
        [
            keras.Input((3,), sparse=True),
            keras.layers.Dense(1, kernel_initializer="ones"),
        ]
    )
    model.compile("sgd", "mse")
    predicted = model.predict(Sparse(2), verbose=0, workers=2)
    np.testing.assert_allclose(predicted[:, 0], [1, 2, 3, 4] * 2)
    model.fit(Sparse(2), verbose=0, workers=2)


class Sums(keras.Model):
    """Predicts the sum of a ragged row; has a weight, since Keras 3 asks for one."""

    def __init__(self) -> None:
        super().__init__()
        self.nothing = self.add_weight(name="nothing", shape=(1,), initializer="zeros")

    def call(self, x: Any) -> Any:
        sums = tf.reduce_sum(x, axis=1, keepdims=True)
        return tf.cast(sums, tf.float32) + 0.0 * self.nothing


def test_ragged_batches_are_read() -> None:
    model = Sums()
    model.compile("sgd", "mse")
    for way in ({"workers": 0}, {"workers": 2}):
        assert model.evaluate(Ragged(2), verbose=0, **way) == (0 + 8**2) / 2
        model.fit(Ragged(2), verbose=0, **way)
        predicted = model.predict(Ragged(2), verbose=0, **way)
        assert predicted[:, 0].tolist() == [1, 9, 1, 9]


@by_either_method
@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize(
    ("steps", "announced"), [(3, 3), (None, 12)], ids=["in part", "whole"]
)
def test_epochs_have_the_steps_that_are_due(
    method: str, workers: int, steps: Any, announced: int
) -> None:
    model, tracker, validation = recorder(), Tracker(), Sequence(12)
    getattr(model, method)(
        Sequence(12),
        steps_per_epoch=steps,
        epochs=5,
        initial_epoch=0,
        verbose=0,
        validation_data=validation,
        validation_steps=steps,
        max_queue_size=1,
        workers=workers,
        callbacks=[tracker],
    )
    assert tracker.epochs == [0, 1, 2, 3, 4]
    assert tracker.steps == tracker.announced == [announced] * 5
    # In part there is also what is read ahead: so many small batches count as one.
    most = 5 * (12 if steps else announced)
    assert 5 * announced <= len(validation.read) <= most


@pytest.mark.filterwarnings("ignore:Your input ran out of data")
@pytest.mark.parametrize("workers", [0, 1, 2])
@pytest.mark.parametrize(
    ("rows", "epochs"), [(20, [7, 4, 3, 3, 2]), (30, [10, 6, 5, 4, 3])]
)
def test_length_may_become_less_between_epochs(
    workers: int, rows: int, epochs: list[int]
) -> None:
    """Keras announces the first epoch's steps for all, and Keras 3 warns."""
    model, tracker = recorder(), Tracker()
    source = Growing(rows, batch_size=3)
    model.fit_generator(
        source,
        epochs=5,
        verbose=0,
        shuffle=False,
        validation_data=Sequence(4),
        validation_steps=3,
        max_queue_size=1,
        workers=workers,
        callbacks=[tracker],
    )
    assert tracker.epochs == [0, 1, 2, 3, 4]
    assert tracker.steps == epochs
    due = [[*range(count), -1, -2, -3] for count in epochs]
    assert model.seen == [step for epoch in due for step in epoch]
    assert (source.ends, source.batch_size) == (5, 13)


class Planned(Sequence):
    """Each epoch has a length of its own."""

    def __init__(self, *lengths: int) -> None:
        super().__init__(0)
        self.lengths = [*lengths, lengths[-1]]

    def __len__(self) -> int:
        return self.lengths[self.ends]


@pytest.mark.parametrize("class_weight", [None, {0: 1.0, 1: 2.0}])
@pytest.mark.parametrize("workers", [0, 2])
def test_length_may_become_more_between_epochs(workers: int, class_weight: Any) -> None:
    """On Keras 3 no epoch has more steps than the first, as with its own sources."""
    tracker = Tracker()
    recorder().fit_generator(
        Planned(4, 7, 2),
        epochs=3,
        verbose=0,
        workers=workers,
        class_weight=class_weight,
        callbacks=[tracker],
    )
    assert tracker.steps == ([4, 4, 4] if IS_KERAS_3 else [4, 7, 2])


class Pairs(Sequence):
    """For two inputs and two outputs."""

    def __getitem__(self, index: int) -> Any:
        part = np.full((5, 1), index + 1.0)
        return [part, 2 * part], [part, part]


@pytest.mark.parametrize("method", ["predict", "predict_generator"])
@pytest.mark.parametrize("num_batches", [1, 2])
def test_prediction_has_an_array_per_output(method: str, num_batches: int) -> None:
    both = two_outputs()
    one = keras.Model(both.inputs, both.outputs[0])
    got = getattr(both, method)(Pairs(num_batches), verbose=0)
    assert [part.shape for part in got] == [(5 * num_batches, 1)] * 2
    np.testing.assert_allclose(got[1], 2 * got[0])
    np.testing.assert_allclose(
        getattr(one, method)(Pairs(num_batches), verbose=0), got[0]
    )
