"""`fit_generator` and its kin, against what the source itself says."""

from __future__ import annotations

import random
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

import seq2data  # noqa: E402
from tests.train.sources import Numbered, items  # noqa: E402

keras = tf.keras  # that of Keras 3, Keras 2 or tf_keras
pytestmark = pytest.mark.tensorflow

WAYS = [
    {"workers": 0},
    {"workers": 1},
    {"workers": 3},
    {"workers": 2, "use_multiprocessing": True},
]
every_way = pytest.mark.parametrize("way", WAYS, ids=str)


class Recorder(keras.Model):
    """Remembers which batches it was called with; its loss is that of nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[int] = []
        self.weights_seen: list[Any] = []
        self.dense = keras.layers.Dense(1)

    def call(self, x: Any, training: bool = False) -> Any:
        return self.dense(x)

    def train_step(self, data: Any) -> dict[str, Any]:
        x, _, *weights = data
        self.seen.append(int(x[0, 0]))
        self.weights_seen += [tf.nest.map_structure(np.array, w) for w in weights]
        return {"loss": float(x[0, 0])}

    def test_step(self, data: Any) -> dict[str, Any]:
        self.seen.append(-1 - int(data[0][0, 0]))
        return {"loss": float(data[0][0, 0])}


def recorder() -> Recorder:
    model = Recorder()
    model.compile("sgd", "mse", run_eagerly=True)
    return model


def fit(source: Any, **arguments: Any) -> tuple[list[int], Any]:
    model = recorder()
    history = seq2data.fit_generator(model, source, verbose=0, **arguments)
    return model.seen, history


@every_way
def test_epoch_is_a_pass_in_order(way: dict[str, Any]) -> None:
    source = Numbered(5)
    seen, history = fit(source, epochs=3, shuffle=False, **way)
    assert seen == [0, 1, 2, 3, 4] * 3
    assert source.ends == 3
    assert history.epoch == [0, 1, 2]
    assert list(history.history) == ["loss"]


@every_way
@pytest.mark.parametrize("steps", [2, 5, 7])
def test_epochs_of_any_number_of_steps_go_on(way: dict[str, Any], steps: int) -> None:
    source = Numbered(5)
    seen, history = fit(source, epochs=3, steps_per_epoch=steps, shuffle=False, **way)
    assert seen == [step % 5 for step in range(3 * steps)]
    assert len(history.epoch) == 3
    assert source.ends == 3 * steps // 5


@every_way
def test_batches_are_shuffled_by_the_random_module(way: dict[str, Any]) -> None:
    model = recorder()
    model(Numbered(1)[0][0])  # layers of Keras 3 draw from `random`
    random.seed(7)
    seq2data.fit_generator(model, Numbered(6), epochs=2, verbose=0, **way)
    seen = model.seen
    random.seed(7)
    due = []
    for _ in range(2):  # as Keras 2.15 draws, in `KerasSequenceAdapter`
        order = list(range(6))
        random.shuffle(order)
        due += order
    assert seen == due


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_generator_keeps_its_position(workers: int) -> None:
    seen, _ = fit(items(40), epochs=3, steps_per_epoch=4, workers=workers)
    assert seen == list(range(12))


def test_generator_is_not_read_further_than_the_queue_holds() -> None:
    read = []

    def reading() -> Iterator[Any]:
        for item in items(10_000):
            read.append(True)
            yield item

    fit(reading(), steps_per_epoch=5, max_queue_size=3)
    assert 5 <= len(read) <= 5 + 3


@every_way
def test_validation_begins_at_the_first_batch(way: dict[str, Any]) -> None:
    seen, history = fit(
        Numbered(2),
        epochs=2,
        shuffle=False,
        validation_data=Numbered(4),
        validation_steps=3,
        **way,
    )
    assert seen == [0, 1, -1, -2, -3] * 2
    assert set(history.history) == {"loss", "val_loss"}


def test_validation_on_arrays_and_at_some_epochs_only() -> None:
    x, y = Numbered(4)[3]
    seen, _ = fit(Numbered(1), epochs=4, validation_data=(x, y), validation_freq=[2, 4])
    assert seen == [0, 0, -4, 0, 0, -4]


def test_validation_generator_needs_steps() -> None:
    with pytest.raises(seq2data.SourceError, match="pass `validation_steps`"):
        fit(Numbered(2), validation_data=items(5))


def test_validation_generator_goes_on() -> None:
    seen, _ = fit(Numbered(1), epochs=2, validation_data=items(9), validation_steps=2)
    assert seen == [0, -1, -2, 0, -3, -4]


def test_initial_epoch() -> None:
    seen, history = fit(Numbered(2), initial_epoch=3, epochs=5, shuffle=False)
    assert seen == [0, 1] * 2
    assert history.epoch == [3, 4]


@every_way
def test_exception_of_the_source_comes_out_as_itself(way: dict[str, Any]) -> None:
    for missing in (5, 9):  # during training, and when it is looked at first
        with pytest.raises(FileNotFoundError, match="no such scan") as caught:
            fit(Numbered(10, missing), shuffle=False, **way)
        assert caught.value.filename == f"scan-{missing}.npy"
        cause = caught.value.__cause__
        assert isinstance(cause, seq2data.ReadError)
        assert cause.index == missing
        assert "in __getitem__" in cause.worker_traceback


def test_error_of_seq2data_comes_out_as_itself() -> None:
    class Changing(Numbered):
        def __getitem__(self, index: int) -> Any:
            x, y = super().__getitem__(index)
            return (x, y, y) if index == 3 else (x, y)

    with pytest.raises(seq2data.BatchError, match="batch 3 is nested as"):
        fit(Changing(6), shuffle=False)


def test_dataset_of_the_user_is_as_before_after_an_error() -> None:
    dataset = seq2data.to_dataset(Numbered(4, missing=2), workers=2)
    before = dataset.engine.on_error
    for _ in range(2):
        with pytest.raises(FileNotFoundError, match="no such scan"):
            fit(dataset)
        assert dataset.engine.on_error is before


def test_empty_source_is_refused() -> None:
    with pytest.raises(seq2data.SourceError, match="empty"):
        fit(Numbered(0))


@pytest.mark.parametrize("steps", [None, 2, 3, 8])
def test_evaluation_and_prediction(steps: Any) -> None:
    model = recorder()
    seq2data.evaluate_generator(model, Numbered(3), steps, workers=2)
    assert model.seen == [-1 - index % 3 for index in range(steps or 3)]
    predicted = seq2data.predict_generator(model, Numbered(3), steps, workers=2)
    due = [model(Numbered(3)[index % 3][0]) for index in range(steps or 3)]
    np.testing.assert_allclose(predicted, np.concatenate(due), rtol=1e-6)


def test_steps_of_a_generator_are_not_its_end() -> None:
    """Keras 3 warned that the data had run out; warnings are errors here."""
    model = recorder()
    seq2data.evaluate_generator(model, items(9), 3)
    predicted = seq2data.predict_generator(model, items(9), 3)
    assert model.seen == [-1, -2, -3]
    assert predicted.shape == (12, 1)


def test_model_is_built_on_the_first_batch() -> None:
    model = keras.Sequential(
        [keras.layers.Flatten(), keras.layers.Dense(2, activation="softmax")]
    )
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = seq2data.fit_generator(model, Numbered(4), verbose=0)
    assert set(history.history) == {"loss", "accuracy"}
    assert model.count_params() == 3 * 2 + 2


@pytest.mark.parametrize("one_hot", [True, False])
def test_class_weight_of_one_output(one_hot: bool) -> None:
    classes = np.array([0, 2, 1, 2])
    y = np.eye(3)[classes] if one_hot else classes[:, None]
    given = np.array([1.0, 1.0, 0.5, 3.0], np.float32)
    for weights, due in ((None, 1), (given, given)):
        batch = (np.ones((4, 3)), y) if weights is None else (np.ones((4, 3)), y, given)
        model = recorder()
        seq2data.fit_generator(model, [batch], class_weight={0: 2.0, 2: 5.0}, verbose=0)
        np.testing.assert_allclose(
            model.weights_seen[0], np.array([2, 5, 1, 5], np.float32) * due
        )


def two_outputs(as_dict: bool) -> Any:
    first, second = np.array([[0], [1]]), np.array([[1], [1]])
    y = {"a": first, "b": second} if as_dict else (first, second)
    return [(np.ones((2, 3)), y)]


@pytest.mark.parametrize("as_dict", [True, False])
@pytest.mark.parametrize(
    "class_weight",
    [{"a": {0: 2.0, 1: 3.0}, "b": {1: 7.0}}, [{0: 2.0, 1: 3.0}, {1: 7.0}]],
    ids=["by name", "in order"],
)
def test_class_weight_of_several_outputs(class_weight: Any, as_dict: bool) -> None:
    from seq2data.train.class_weights import weighted

    dataset = seq2data.to_dataset(two_outputs(as_dict), workers=0)
    ((_, _, weights),) = weighted(dataset, class_weight, ["a", "b"])
    if as_dict:
        weights = (weights["a"], weights["b"])
    assert [w.numpy().tolist() for w in weights] == [[2.0, 3.0], [7.0, 7.0]]


def test_class_weight_of_an_unknown_output() -> None:
    from seq2data.train.class_weights import weighted

    dataset = seq2data.to_dataset(two_outputs(True), workers=0)
    with pytest.raises(seq2data.SourceError, match="outputs \\['a', 'b'\\]"):
        weighted(dataset, {"c": {0: 1.0}}, ["a", "b"])


def test_names_of_keras_1() -> None:
    source = Numbered(20)
    source.batch_size = 4
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        seen, _ = fit(
            source, samples_per_epoch=12, nb_epoch=2, max_q_size=3, nb_worker=2,
            shuffle=False,
        )  # fmt: skip
    assert seen == list(range(6))
    texts = [str(w.message) for w in caught if w.category is DeprecationWarning]
    for old in ("samples_per_epoch", "nb_epoch", "max_q_size", "nb_worker"):
        assert any(f"`{old}` is Keras 1's name" in text for text in texts)


def test_name_of_keras_1_beside_the_new_one() -> None:
    with pytest.raises(TypeError, match="`nb_epoch` is Keras 1's name of `epochs`"):
        fit(Numbered(2), nb_epoch=2, epochs=2)


def test_early_stopping_and_best_model(tmp_path: Any) -> None:
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    path = tmp_path / "best.weights.h5"
    history = seq2data.fit_generator(
        model,
        Numbered(3),
        epochs=20,
        verbose=0,
        validation_data=Numbered(2),
        callbacks=[
            keras.callbacks.EarlyStopping("val_loss", patience=1, min_delta=1e9),
            keras.callbacks.ModelCheckpoint(str(path), save_weights_only=True),
        ],
    )
    assert len(history.epoch) == 2
    assert path.exists()
