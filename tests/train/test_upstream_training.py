"""What Keras's tests check of training beside its input; UPSTREAM.md has the table."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

import seq2data  # noqa: E402
from tests.train.test_generator_methods import recorder  # noqa: E402
from tests.train.upstream import Batches, Locked, batch, items  # noqa: E402
from tests.train.upstream_models import (  # noqa: E402
    Counter,
    Tracker,
    linear,
    squared_error,
    two_outputs,
)

keras = tf.keras  # that of Keras 3, Keras 2 or tf_keras
pytestmark = [pytest.mark.tensorflow, pytest.mark.usefixtures("patched")]

every_way = pytest.mark.parametrize(
    "way",
    [
        {"workers": 0, "use_multiprocessing": True},
        {"workers": 1},
        {"workers": 4},
        {"workers": 4, "use_multiprocessing": True},
    ],
    ids=str,
)


def call(model: Any, method: str, source: Any, steps: int, **way: Any) -> Any:
    word = "steps_per_epoch" if method == "fit_generator" else "steps"
    return getattr(model, method)(source, **{word: steps}, verbose=0, **way)


class LostConnectionError(RuntimeError):
    pass


def failing(good: int) -> Iterator[Any]:
    yield from items(good)
    raise LostConnectionError("after the good batches")


@every_way
@pytest.mark.parametrize(
    "method", ["fit_generator", "evaluate_generator", "predict_generator"]
)
def test_exception_of_a_generator_comes_out(way: dict[str, Any], method: str) -> None:
    model = recorder()
    with pytest.raises(LostConnectionError, match="after the good batches") as caught:
        call(model, method, Locked(failing(3)), steps=13, **way)
    assert isinstance(caught.value.__cause__, seq2data.ReadError)
    assert method == "predict_generator" or len(model.seen) == 3


@every_way
@pytest.mark.parametrize("method", ["fit_generator", "evaluate_generator"])
def test_generator_may_hold_an_open_file(
    way: dict[str, Any], method: str, tmp_path: Path
) -> None:
    path = tmp_path / "data.npz"
    np.savez(path, x=np.concatenate([x for x, _ in items(5)]))

    def read() -> Iterator[Any]:
        with np.load(path) as arrays:
            for step in range(20):
                start = step % 5 * 4
                yield arrays["x"][start : start + 4], np.ones((4, 1))

    model = recorder()
    call(model, method, read(), steps=7, **way)
    assert [index if index >= 0 else -1 - index for index in model.seen] == [
        step % 5 for step in range(7)
    ]
    path.unlink()


def test_epochs_are_counted_from_the_initial_one(capsys: Any) -> None:
    model, tracker = recorder(), Tracker()
    model.fit_generator(
        Locked(items()), 3, epochs=5, initial_epoch=2, callbacks=[tracker], verbose=0
    )
    assert tracker.epochs == [2, 3, 4]
    assert model.seen == list(range(9))
    capsys.readouterr()
    model.evaluate_generator(Locked(items()), steps=3, verbose=1)
    assert "3/3" in capsys.readouterr().out
    model.evaluate_generator(Locked(items()), steps=3)
    assert not capsys.readouterr().out


def test_arguments_of_old_calls_stand_where_they_stood() -> None:
    model = recorder()
    model.fit_generator(items(), 5, 2, 0)
    assert model.seen == list(range(10))
    model.fit_generator(items(), 2, 1, 0, validation_data=batch(6), max_queue_size=2)
    assert model.seen[10:] == [0, 1, -7]


def test_generator_gives_what_arrays_give() -> None:
    model = linear()
    x, y = (np.concatenate(part) for part in zip(*items(5)))
    loss = model.evaluate(x, y, batch_size=4, verbose=0)
    assert loss == pytest.approx(squared_error(x, y))
    got = model.evaluate_generator(items(), 5, max_queue_size=2)
    assert got == pytest.approx(loss)
    predicted = model.predict_generator(items(), 5, max_queue_size=2, verbose=0)
    np.testing.assert_allclose(predicted, model.predict(x, verbose=0))


@pytest.mark.parametrize("training", [Locked, None], ids=["generator", "Sequence"])
def test_generators_are_read_no_further_than_the_queue(training: Any) -> None:
    read = {"training": 0, "validation": 0}

    def counted(name: str) -> Iterator[Any]:
        for item in items():
            read[name] += 1
            yield item

    source = Batches(2) if training is None else training(counted("training"))
    recorder().fit_generator(
        source,
        epochs=3,
        steps_per_epoch=2,
        verbose=0,
        validation_data=Locked(counted("validation")),
        validation_steps=1,
        max_queue_size=2,
        workers=2,
    )
    assert training is None or 6 <= read["training"] <= 6 + 2
    assert 3 <= read["validation"] <= 3 + 2


@pytest.mark.parametrize("frequency", [2, [4, 2, 2, 1], 3], ids=str)
def test_validation_is_run_in_the_epochs_that_are_asked_for(frequency: Any) -> None:
    counter = Counter()
    recorder().fit_generator(
        items(),
        epochs=4,
        steps_per_epoch=5,
        verbose=0,
        validation_data=batch(1),
        validation_freq=frequency,
        callbacks=[counter],
    )
    is_list = isinstance(frequency, list)
    assert counter.counts["on_test_begin"] == (3 if is_list else 4 // frequency)


def hooks(**times: int) -> dict[str, int]:
    return {
        f"on_{hook}_{when}": n for hook, n in times.items() for when in ("begin", "end")
    }


@pytest.mark.parametrize(
    ("method", "due"),
    [
        (
            "fit_generator",
            hooks(epoch=5, train=1, train_batch=25, test=5, test_batch=10),
        ),
        ("evaluate_generator", hooks(test=1, test_batch=5)),
        ("predict_generator", hooks(predict=1, predict_batch=5)),
    ],
)
def test_hooks_of_callbacks_are_called(method: str, due: dict[str, int]) -> None:
    counter = Counter()
    more: dict[str, Any] = {}
    if method == "fit_generator":
        more = {"epochs": 5, "validation_data": items(), "validation_steps": 2}
    call(recorder(), method, items(), 5, callbacks=[counter], **more)
    assert counter.counts == due


def test_training_stops_at_a_loss_that_is_no_number(tmp_path: Path) -> None:
    def breaking() -> Iterator[Any]:
        for index, (x, y) in enumerate(items()):
            yield (x * np.nan if index >= 7 else x * 0), y

    path = tmp_path / "log.csv"
    history = linear().fit_generator(
        breaking(),
        5,
        epochs=20,
        verbose=0,
        validation_data=batch(0),
        callbacks=[
            keras.callbacks.TerminateOnNaN(),
            keras.callbacks.CSVLogger(str(path)),
        ],
    )
    assert len(history.history["loss"]) == 2
    assert np.isnan(history.history["loss"][-1])
    with path.open() as lines:
        assert "nan" in list(csv.reader(lines))[-1]


@pytest.mark.parametrize("validation", [None, batch(1)], ids=["", "validated"])
def test_tensorboard_gets_its_logs(validation: Any, tmp_path: Path) -> None:
    linear().fit_generator(
        items(),
        3,
        epochs=2,
        verbose=0,
        validation_data=validation,
        callbacks=[keras.callbacks.TensorBoard(str(tmp_path), histogram_freq=1)],
    )
    folders = {path.parent.name for path in tmp_path.rglob("events*")}
    assert folders == ({"train"} if validation is None else {"train", "validation"})


X = np.array([[1.0], [2.0], [3.0], [4.0]])
Y = (2 * X, X)
WEIGHTS = (np.array([2.0, 3.0, 4.0, 5.0]), np.array([3.5, 2.5, 1.5, 0.5]))


def pairs(weights: Any) -> Iterator[Any]:
    """Endless, two batches a pass, for `two_outputs`."""
    while True:
        for part in (slice(0, 2), slice(2, 4)):
            x, y = [X[part], X[part]], [each[part] for each in Y]
            if weights is None:
                yield x, y, None
            else:
                yield x, y, [None if each is None else each[part] for each in weights]


def due_of_pairs(weights: tuple[Any, ...]) -> dict[str, float]:
    """What the names say, of predictions that are three times x."""
    due = {"loss": 0.0}
    for name, y, given in zip(("one", "two"), Y, weights):
        weight = np.ones(4) if given is None else given
        errors = (3 * X - y)[:, 0]
        due[f"{name}_loss"] = float(np.mean(errors**2 * weight))
        due[f"{name}_mae"] = float(np.mean(np.abs(errors)))
        due[f"{name}_mse"] = float(np.sum(errors**2 * weight) / np.sum(weight))
        due["loss"] += due[f"{name}_loss"]
    return due


some_weights = pytest.mark.parametrize(
    "weights", [None, WEIGHTS, (None, WEIGHTS[1])], ids=["none", "both", "one"]
)


@some_weights
def test_outputs_have_sample_weights_of_their_own(weights: Any) -> None:
    model = two_outputs()
    due = due_of_pairs(weights or (None, None))
    history = model.fit_generator(
        pairs(weights), steps_per_epoch=2, epochs=2, verbose=0
    ).history
    assert history == {name: [pytest.approx(due[name])] * 2 for name in due}
    # By position the loss of each output comes first, then its metrics.
    got = model.evaluate_generator(pairs(weights), steps=2)
    assert sorted(got) == pytest.approx(sorted(due.values()))


@pytest.mark.parametrize("weighted", ["both", "two"])
def test_outputs_have_class_weights_of_their_own(weighted: str) -> None:
    tables = {
        name: dict(zip(y[:, 0].astype(int), weights))
        for name, y, weights in zip(("one", "two"), Y, WEIGHTS)
        if weighted in ("both", name)
    }
    due = due_of_pairs((WEIGHTS[0] if weighted == "both" else None, WEIGHTS[1]))
    history = (
        two_outputs()
        .fit_generator(
            pairs(None), class_weight=tables, steps_per_epoch=2, epochs=2, verbose=0
        )
        .history
    )
    assert history == {name: [pytest.approx(due[name])] * 2 for name in due}


@pytest.mark.parametrize("source", [items, Batches], ids=["generator", "Sequence"])
def test_no_source_is_warned_of_with_processes(source: Any) -> None:
    """Warnings are errors in these tests. Keras 2.3 warned of duplicates."""
    model, length = recorder(), 12
    way = {"workers": 2, "use_multiprocessing": True, "shuffle": False}
    model.fit_generator(source(length), steps_per_epoch=10, verbose=0, **way)
    assert model.seen == list(range(10))
