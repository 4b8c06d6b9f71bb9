"""What Keras's tests of training on generators check; UPSTREAM.md has the table."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

import seq2data  # noqa: E402
from seq2data.train.legacy_sources import is_legacy  # noqa: E402
from tests.keras_version import IS_KERAS_3  # noqa: E402
from tests.train.test_generator_methods import recorder  # noqa: E402
from tests.train.upstream import ENDLESS, Batches, Locked, batch, items  # noqa: E402
from tests.train.upstream_models import (  # noqa: E402
    Shapes,
    Tracker,
    WithoutCall,
    linear,
    squared_error,
)

keras = tf.keras  # that of Keras 3, Keras 2 or tf_keras
pytestmark = [pytest.mark.tensorflow, pytest.mark.usefixtures("patched")]

every_way = pytest.mark.parametrize(
    "way",
    [
        {},
        {"workers": 0},
        {"workers": 0, "use_multiprocessing": True},
        {"workers": 4},
        {"workers": 4, "use_multiprocessing": True, "max_queue_size": 3},
    ],
    ids=str,
)


# Keras 3 says so of every source whose length it was not told.
ends_unannounced = pytest.mark.filterwarnings("ignore:Your input ran out of data")


@pytest.fixture(scope="module")
def model() -> Any:
    """Predicts the sum of its inputs, as long as nobody trains it."""
    return linear()


def rows(count: int) -> tuple[np.ndarray, ...]:
    """The arrays of the first items, with weights."""
    parts = zip(*items(count, weighted=True))
    return tuple(np.concatenate(part) for part in parts)


@pytest.mark.parametrize(
    ("source", "is_ours"),
    [
        (np.zeros((5, 1)), False),
        (tf.zeros((5, 1)), False),
        (tf.data.Dataset.range(5), False),
        ([["abc"]], False),
        ([[b"abc"]], False),
        (items(), True),
        (Locked(items()), True),
        (Batches(5), True),
    ],
    ids=lambda value: type(value).__name__,
)
def test_sequences_and_iterators_are_read_here(source: Any, is_ours: bool) -> None:
    assert is_legacy(source) == is_ours


@every_way
@pytest.mark.parametrize("wrap", [iter, Locked], ids=["generator", "iterator"])
def test_fit_takes_the_items_in_order(way: dict[str, Any], wrap: Any) -> None:
    model = recorder()
    history = model.fit_generator(
        wrap(items()),
        steps_per_epoch=3,
        epochs=2,
        verbose=0,
        validation_data=wrap(items()),
        validation_steps=2,
        **way,
    )
    assert model.seen == [0, 1, 2, -1, -2, 3, 4, 5, -3, -4]
    assert set(history.history) == {"loss", "val_loss"}


@every_way
def test_evaluation_is_that_of_the_arrays(model: Any, way: dict[str, Any]) -> None:
    x, y, weights = rows(5)
    loss = model.evaluate_generator(Locked(items()), steps=5, **way)
    assert loss == pytest.approx(squared_error(x, y))
    loss = model.evaluate_generator(items(weighted=True), 5, **way)
    assert loss == pytest.approx(squared_error(x, y, weights))


@every_way
@pytest.mark.parametrize("leaves", [1, 2, 3], ids=["x", "x, y", "x, y, weights"])
def test_prediction_is_that_of_the_arrays(
    model: Any, way: dict[str, Any], leaves: int
) -> None:
    made = (item[:leaves] if leaves > 1 else item[0] for item in items(weighted=True))
    got = model.predict_generator(made, steps=5, **way)
    np.testing.assert_allclose(got, rows(5)[0].sum(axis=1, keepdims=True))


def test_sample_weights_reach_training_and_validation(model: Any) -> None:
    trained = recorder()
    trained.fit_generator(items(weighted=True), steps_per_epoch=3, verbose=0)
    assert [w.tolist() for w in trained.weights_seen] == [
        [i + 1.0] * 4 for i in (0, 1, 2)
    ]
    frozen = keras.models.clone_model(model)
    frozen.set_weights(model.get_weights())
    frozen.compile(keras.optimizers.SGD(0.0), "mse")
    history = frozen.fit_generator(
        items(weighted=True),
        steps_per_epoch=3,
        verbose=0,
        validation_data=items(weighted=True),
        validation_steps=4,
    ).history
    assert history["loss"] == [pytest.approx(squared_error(*rows(3)))]
    assert history["val_loss"] == [pytest.approx(squared_error(*rows(4)))]


@pytest.mark.parametrize("where", ["fit", "validation", "evaluate", "predict"])
@pytest.mark.parametrize("bad", [(0, 0, 0, 0), (*batch(0), *batch(0))], ids=["0", "x"])
def test_batches_of_four_are_refused(where: str, bad: Any) -> None:
    model = linear()
    calls = {
        "fit": lambda: model.fit_generator(iter([bad] * 9), 2, verbose=0),
        "validation": lambda: model.fit_generator(
            items(), 2, verbose=0, validation_data=iter([bad] * 9), validation_steps=1
        ),
        "evaluate": lambda: model.evaluate_generator(iter([bad] * 9), 2),
        "predict": lambda: model.predict_generator(iter([bad] * 9), 2),
    }
    with pytest.raises(ValueError, match="sample_weight"):
        calls[where]()


def test_validation_arrays_are_two_or_three() -> None:
    with pytest.raises(ValueError, match="sample_weight"):
        linear().fit_generator(
            items(), 2, verbose=0, validation_data=(*batch(0), *batch(0))
        )


def shrinking(weighted: bool = False) -> Iterator[Any]:
    for index in range(ENDLESS):
        yield batch(index, rows=max(1, 10 - index))


def test_fit_evaluate_and_predict_take_a_generator(model: Any) -> None:
    trained = recorder()
    x, y = batch(7)
    arguments = {"steps_per_epoch": 2, "epochs": 2, "verbose": 0}
    trained.fit(items(), validation_data=(x, y), **arguments)
    assert trained.seen == [0, 1, -8, 2, 3, -8]
    assert model.evaluate(items(), steps=2, verbose=0) == pytest.approx(
        squared_error(*rows(2)[:2])
    )
    assert model.predict(items(), steps=2, verbose=0).shape == (8, 1)


def test_batches_may_change_their_size(model: Any) -> None:
    trained = recorder()
    arguments = {"steps_per_epoch": 6, "epochs": 2, "verbose": 0}
    trained.fit(
        shrinking(), validation_data=shrinking(), validation_steps=2, **arguments
    )
    assert trained.seen == [*range(6), -1, -2, *range(6, 12), -3, -4]
    parts = [batch(index, 10 - index) for index in range(5)]
    x, y = (np.concatenate(part) for part in zip(*parts))
    loss = model.evaluate(shrinking(), steps=5, verbose=0)
    assert loss == pytest.approx(squared_error(x, y))
    assert len(model.predict(shrinking(), steps=5, verbose=0)) == len(x)


@pytest.mark.parametrize("widths", [(3, 5, 4, 9), (3, 3, 4, 9)], ids=str)
def test_batches_may_change_other_dimensions(widths: tuple[int, ...]) -> None:
    """On Keras 3 what the first two batches have in common stays, or is an error."""
    model = Shapes()
    model.compile("sgd", run_eagerly=True)
    batches = [(np.ones((2, width)), np.ones((2, 1))) for width in widths]
    if IS_KERAS_3 and widths[0] == widths[1]:
        with pytest.raises(seq2data.BatchError, match="output_signature"):
            model.fit(iter(batches), steps_per_epoch=4, verbose=0)
    else:
        model.fit(iter(batches), steps_per_epoch=4, verbose=0)
        assert model.shapes == [((2, width), (2, 1)) for width in widths]


NESTED = ((np.ones((4, 3)), {"a": np.ones((4, 2))}), (np.ones((4, 1)), np.ones((4, 5))))
SHAPES = (((4, 3), {"a": (4, 2)}), ((4, 1), (4, 5)))


@pytest.mark.parametrize(
    "item", [NESTED, [[*NESTED[0]], [*NESTED[1]]]], ids=["tuples", "lists"]
)
@pytest.mark.parametrize("kind", ["generator", "dataset", "dataset's iterator"])
@pytest.mark.parametrize("method", ["fit", "fit_generator"])
def test_nesting_stays_whatever_the_batches_come_from(
    item: Any, kind: str, method: str
) -> None:
    if kind == "generator":
        source: Any = iter([item] * 9)
    else:
        dataset = tf.data.Dataset.from_tensors(NESTED).repeat(9)
        source = dataset if kind == "dataset" else iter(dataset)
    model = Shapes()
    model.compile("sgd", run_eagerly=True)
    getattr(model, method)(source, steps_per_epoch=5, verbose=0)
    assert model.shapes == [SHAPES] * 5


def test_second_fit_goes_on_with_the_generator() -> None:
    """From behind what the first one has read ahead, as in Keras."""
    model, source = recorder(), Locked(items())
    way = {"workers": 1, "use_multiprocessing": True, "max_queue_size": 10}
    for _ in range(2):
        model.fit(source, steps_per_epoch=10, verbose=0, **way)
    first, second = model.seen[:10], model.seen[10:]
    assert first == list(range(10))
    assert 10 <= second[0] <= 10 + 10 + 1
    assert second == list(range(second[0], second[0] + 10))


@ends_unannounced
def test_generator_is_never_shuffled() -> None:
    random.seed(3)
    model = recorder()
    model.fit(items(10), shuffle=True, verbose=0)
    assert model.seen == list(range(10))


@ends_unannounced
def test_generator_has_no_number_of_steps_before_its_end() -> None:
    """Keras 2.3 refuses this, tf.keras reads to the end."""
    model, tracker = recorder(), Tracker()
    model.fit_generator(items(7), verbose=0, callbacks=[tracker])
    assert (tracker.announced, tracker.steps) == ([None], [7])


@ends_unannounced
def test_generator_that_ends_too_early_is_reported() -> None:
    """By Keras 2.15 with a warning in its log, and by us where Keras 3 would go on."""
    model = recorder()
    arguments = {"steps_per_epoch": 3, "epochs": 3, "verbose": 0}
    if IS_KERAS_3:
        with pytest.raises(seq2data.SourceError, match="end after 5 batches"):
            model.fit_generator(items(5), **arguments)
    else:
        assert model.fit_generator(items(5), **arguments).epoch == [0, 1]
    assert model.seen == [0, 1, 2, 3, 4]


@ends_unannounced
def test_prediction_of_a_generator_that_ends_too_early_is_shorter(model: Any) -> None:
    assert model.predict_generator(items(3), steps=5).shape == (3 * 4, 1)


def test_model_needs_no_forward_pass() -> None:
    model = WithoutCall()
    model.compile("rmsprop")
    assert model.fit(items(), steps_per_epoch=5, verbose=0).history == {"loss": [0.0]}
    assert model.evaluate(items(), steps=5, verbose=0) == 0


@pytest.mark.parametrize("wrap", [iter, Locked], ids=["generator", "iterator"])
@pytest.mark.parametrize("word", ["y", "sample_weight"])
def test_targets_and_weights_beside_a_generator_are_refused(
    word: str, wrap: Any
) -> None:
    with pytest.raises(ValueError, match=r"y|sample_weight|x="):
        recorder().fit(wrap(items()), **{word: np.ones((4, 1))}, verbose=0)


def test_no_steps_and_no_batches_are_refused() -> None:
    with pytest.raises(ValueError, match="steps_per_epoch"):
        recorder().fit_generator(items(), steps_per_epoch=0)
    with pytest.raises(ValueError, match="steps"):
        recorder().evaluate_generator(items(), steps=0)
    with pytest.raises(ValueError, match="empty"):
        recorder().fit_generator(items(0), steps_per_epoch=1)


def test_batch_without_samples_and_dimensions_is_refused(model: Any) -> None:
    nothing = (np.asarray([]), np.asarray([]))
    for call in (model.evaluate_generator, model.evaluate):
        with pytest.raises(ValueError, match="shape"):
            call(iter([nothing] * 9), steps=1)


@pytest.mark.parametrize("one_hot", [True, False])
def test_class_weights_of_pixels_multiply_those_of_samples(one_hot: bool) -> None:
    from seq2data.train.class_weights import weighted

    classes = np.arange(2 * 4 * 4).reshape(2, 4, 4) % 5
    y = np.eye(5)[classes] if one_hot else classes[..., None]
    dataset = seq2data.to_dataset(
        [(np.ones((2, 1)), y, np.array([1.0, 2.0]))], workers=0
    )
    table = {each: each + 1.0 for each in range(5)}
    ((_, _, weights),) = weighted(dataset, table, [])
    np.testing.assert_allclose(weights, (classes + 1) * np.array([[[1]], [[2]]]))
