"""Callbacks see of `fit_generator` what they see of `fit` on the same batches."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

import seq2data  # noqa: E402

keras = tf.keras  # that of Keras 3, Keras 2 or tf_keras
pytestmark = pytest.mark.tensorflow

BATCHES = 5
Fit = Callable[..., Any]


class Line:
    """Points on a line, `(x, y)`, each `[8, 1]`."""

    def __init__(self, seed: int) -> None:
        random = np.random.default_rng(seed)
        self.x = random.normal(size=(BATCHES, 8, 1)).astype(np.float32)
        self.y = 3 * self.x + random.normal(size=self.x.shape).astype(np.float32)

    def __len__(self) -> int:
        return BATCHES

    def __getitem__(self, index: int) -> Any:
        return self.x[index], self.y[index]

    def as_dataset(self) -> Any:
        return tf.data.Dataset.from_tensor_slices((self.x, self.y))


TRAIN, VALIDATION = Line(1), Line(2)


def model() -> Any:
    line = keras.Sequential([keras.layers.Dense(1, kernel_initializer="zeros")])
    line.build((None, 1))
    line.compile(keras.optimizers.SGD(0.3), "mse")
    return line


def by_keras(model: Any, **arguments: Any) -> Any:
    data = {"validation_data": VALIDATION.as_dataset(), **arguments}
    return model.fit(TRAIN.as_dataset(), verbose=0, shuffle=False, **data)


def by_seq2data(model: Any, **arguments: Any) -> Any:
    data = {"validation_data": VALIDATION, **arguments}
    return seq2data.fit_generator(
        model, TRAIN, verbose=0, shuffle=False, workers=2, **data
    )


@pytest.fixture(params=[by_keras, by_seq2data], ids=["keras", "seq2data"])
def fit(request: pytest.FixtureRequest) -> Fit:
    """The oracle, and what is held to it: a test's own claim is true of both."""
    return request.param  # type: ignore[no-any-return]


def assert_both(observe: Callable[[Fit, Path], Any], folder: Path) -> Any:
    """Runs an observation both ways; what was seen, which is the same."""
    seen = []
    for way in (by_keras, by_seq2data):
        own = folder / way.__name__
        own.mkdir()
        seen.append(observe(way, own))
    assert seen[1] == seen[0]
    return seen[0]


def rounded(history: Any) -> dict[str, list[float]]:
    return {
        key: [round(float(value), 5) for value in values]
        for key, values in history.history.items()
    }


def test_reduce_lr_on_plateau_and_history(tmp_path: Path) -> None:
    def observe(fit: Fit, _: Path) -> Any:
        reduce = keras.callbacks.ReduceLROnPlateau(patience=1, factor=0.5)
        line = model()
        seen = rounded(fit(line, epochs=8, callbacks=[reduce]))
        return seen, float(line.optimizer.learning_rate.numpy())

    seen, rate = assert_both(observe, tmp_path)
    assert rate < 0.3
    assert {"loss", "val_loss"} < seen.keys()


def test_early_stopping_restores_the_best_weights(tmp_path: Path) -> None:
    def observe(fit: Fit, _: Path) -> Any:
        stop = keras.callbacks.EarlyStopping(patience=2, restore_best_weights=True)
        line = model()
        seen = rounded(fit(line, epochs=30, callbacks=[stop]))
        return seen, [weight.round(4).tolist() for weight in line.get_weights()]

    seen, _ = assert_both(observe, tmp_path)
    assert len(seen["loss"]) < 30


def test_csv_logger(tmp_path: Path) -> None:
    def observe(fit: Fit, folder: Path) -> Any:
        fit(model(), epochs=3, callbacks=[keras.callbacks.CSVLogger(folder / "log")])
        head, *rows = (folder / "log").read_text().splitlines()
        return head, [[round(float(x), 5) for x in row.split(",")] for row in rows]

    head, rows = assert_both(observe, tmp_path)
    assert head.split(",")[0] == "epoch"
    assert len(rows) == 3


def test_model_checkpoint(tmp_path: Path) -> None:
    def observe(fit: Fit, folder: Path) -> Any:
        path = str(folder / "{epoch:02d}-{val_loss:.3f}.weights.h5")
        save = keras.callbacks.ModelCheckpoint(
            path, save_best_only=True, save_weights_only=True
        )
        fit(model(), epochs=4, callbacks=[save])
        return sorted(file.name for file in folder.iterdir())

    assert assert_both(observe, tmp_path)


def test_tensorboard_scalars(tmp_path: Path) -> None:
    def observe(fit: Fit, folder: Path) -> Any:
        board = keras.callbacks.TensorBoard(folder, write_graph=False, profile_batch=0)
        fit(model(), epochs=3, callbacks=[board])
        return sorted(scalars(folder))

    seen = assert_both(observe, tmp_path)
    assert {tag for tag, *_ in seen} >= {"epoch_loss"}


def scalars(folder: Path) -> Iterator[tuple[str, int, float]]:
    for file in folder.rglob("events.*"):
        for event in tf.compat.v1.train.summary_iterator(str(file)):
            for value in event.summary.value:
                if value.tag.startswith("epoch_"):
                    number = float(tf.make_ndarray(value.tensor))
                    yield value.tag, event.step, round(number, 5)


def test_tqdm_counts_epochs_and_batches(fit: Fit) -> None:
    tqdm_keras = pytest.importorskip("tqdm.keras")
    bar = tqdm_keras.TqdmCallback(verbose=2, disable=False, leave=True)
    fit(model(), epochs=3, callbacks=[bar])
    assert (bar.epoch_bar.n, bar.epoch_bar.total) == (3, 3)
    assert bar.batch_bar.n == BATCHES


def test_backup_and_restore_goes_on_after_the_epoch_that_was_interrupted(
    tmp_path: Path,
) -> None:
    def observe(fit: Fit, folder: Path) -> Any:
        class Interrupt(keras.callbacks.Callback):
            def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
                if epoch == 2:
                    raise RuntimeError("the machine went down")

        path = str(folder / "backup")
        line = model()
        backup = keras.callbacks.BackupAndRestore(path)
        with pytest.raises(RuntimeError, match="went down"):
            fit(line, epochs=4, callbacks=[backup, Interrupt()])
        again = model()
        history = fit(
            again, epochs=4, callbacks=[keras.callbacks.BackupAndRestore(path)]
        )
        return history.epoch, rounded(history)

    epochs, interrupted = assert_both(observe, tmp_path)
    assert epochs == [2, 3]
    whole = rounded(by_seq2data(model(), epochs=4))
    assert interrupted["loss"] == pytest.approx(whole["loss"][2:], abs=1e-4)


EVENTS = [
    f"on_{kind}_{end}"
    for kind in ("train", "epoch", "train_batch", "test", "test_batch")
    for end in ("begin", "end")
]


def listener() -> Any:
    """A callback whose `events` are (name, number if it has one, names of the logs)."""
    events: list[tuple[str, Any, list[str]]] = []

    def note(name: str) -> Callable[..., None]:
        def method(self: Any, *args: Any, logs: Any = None) -> None:
            *number, found = (*args, logs) if logs is not None or not args else args
            events.append((name, number, sorted(found or {})))

        return method

    methods = {name: note(name) for name in EVENTS}
    callback = type("Listener", (keras.callbacks.Callback,), methods)()
    callback.events = events
    return callback


def test_every_event_with_its_logs(tmp_path: Path) -> None:
    def observe(fit: Fit, _: Path) -> Any:
        listen = listener()
        fit(model(), epochs=3, validation_freq=2, callbacks=[listen])
        return listen.events

    events = [name for name, *_ in assert_both(observe, tmp_path)]
    assert events.count("on_epoch_end") == 3
    assert events.count("on_test_end") == 1
    assert events.count("on_train_batch_end") == 3 * BATCHES
