"""Trains on JPEG files the legacy way and through `to_dataset`, and compares the two.

The files are crops of the two photographs of scikit-learn, in a temporary folder.
Nothing is downloaded. Both ways read the files with the same class,
`photo_sequence.PhotoSequence`, and train equal new models.
"""

from __future__ import annotations

import argparse
import os
import random
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any, Callable, NamedTuple

from seq2data.options import usable_cores
from seq2data.tools.arguments import whole_number
from seq2data.tools.requires import require

_EPOCHS = 2
_BATCH_SIZE = 16
_CROP_SIDE = 400  # about the size of an ImageNet photograph; the sources have 427 x 640
_JPEG_QUALITY = 95
_SEED = 1


class Timing(NamedTuple):
    """A row of the table that is printed at the end."""

    name: str
    batches: int
    seconds: float
    last_epoch_s: float

    @property
    def rate(self) -> float:
        """The batches per second of the whole call of `fit`."""
        return self.batches / self.seconds

    @property
    def last_epoch_rate(self) -> float:
        """The batches per second of the last epoch, when all workers have started."""
        return self.batches / _EPOCHS / self.last_epoch_s


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of `seq2data demo`."""
    parser.add_argument(
        "--crops",
        type=whole_number(1),
        default=960,
        help="how many JPEG files to train on (default: %(default)s)",
    )
    parser.add_argument(
        "--workers",
        type=whole_number(0),
        default=usable_cores(),
        help="processes of `to_dataset` (default: usable cores, %(default)s)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Runs both ways and prints the table."""
    for module in ("sklearn", "PIL"):
        require(module, "demo")
    # Before TensorFlow is loaded. Workers inherit it; a value of the user's stays.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with tempfile.TemporaryDirectory(prefix="seq2data-demo-") as directory:
        files = write_crops(Path(directory), arguments.crops)
        print(f"Wrote {len(files)} JPEG crops to {directory}.")
        _warm_up()
        timings = [_train_legacy(files), _train_dataset(files, arguments.workers)]
    print_table(timings, arguments.workers)
    return 0


def write_crops(directory: Path, count: int) -> list[tuple[str, int]]:
    """Writes crops of both photographs in turn; returns paths and labels."""
    datasets = require("sklearn.datasets", "demo")
    image = require("PIL.Image", "demo")
    draw = random.Random(_SEED)
    photographs = datasets.load_sample_images().images
    files = []
    for number in range(count):
        label = number % len(photographs)
        photograph = photographs[label]
        top = draw.randint(0, photograph.shape[0] - _CROP_SIDE)
        left = draw.randint(0, photograph.shape[1] - _CROP_SIDE)
        crop = photograph[top : top + _CROP_SIDE, left : left + _CROP_SIDE]
        path = str(directory / f"{number:05}.jpg")
        image.fromarray(crop).save(path, quality=_JPEG_QUALITY)
        files.append((path, label))
    draw.shuffle(files)
    return files


def print_table(timings: list[Timing], workers: int) -> None:
    """Prints the time of each way, and their ratio."""
    heads = f"{'batches':>9}{'seconds':>9}{'batches/s':>11}{'last epoch':>12}"
    print(f"\n{'':24}{heads}")
    for timing in timings:
        print(
            f"{timing.name:24}{timing.batches:9}{timing.seconds:9.1f}"
            f"{timing.rate:11.1f}{timing.last_epoch_rate:12.1f}"
        )
    legacy, dataset = timings
    in_all = dataset.seconds / legacy.seconds
    in_last_epoch = dataset.last_epoch_s / legacy.last_epoch_s
    print(
        "\n`seconds` is the whole of `fit` with the start of the workers, which load"
        "\nTensorFlow once because the class needs it. `last epoch` is batches/s after"
        f"\nthat. to_dataset took {in_all:.2f} x the legacy time, and"
        f" {in_last_epoch:.2f} x in the last epoch,\nwith {workers} workers on"
        f" {usable_cores()} cores."
    )


def _train_legacy(files: list[tuple[str, int]]) -> Timing:
    from seq2data.tools.photo_sequence import PhotoSequence

    print("\nmodel.fit(sequence), the legacy way:")
    sequence = PhotoSequence(files, _BATCH_SIZE)
    with warnings.catch_warnings():
        # Keras 3 warns of a missing super().__init__(), which no legacy class has.
        warnings.filterwarnings("ignore", ".*should call `super", UserWarning)
        return _fit("legacy Sequence", lambda: sequence, len(sequence), shuffle=True)


def _train_dataset(files: list[tuple[str, int]], workers: int) -> Timing:
    from seq2data.pipeline.dataset import to_dataset
    from seq2data.tools.photo_sequence import PhotoSequence

    print(f"\nmodel.fit(to_dataset(sequence, workers={workers}, shuffle=True)):")
    sequence = PhotoSequence(files, _BATCH_SIZE)
    return _fit(
        f"to_dataset, {workers} workers",
        lambda: to_dataset(sequence, workers=workers, shuffle=True),
        len(sequence),
        shuffle=False,  # Keras ignores it for a dataset, and Keras 3 warns of that
    )


def _fit(
    name: str, make_data: Callable[[], Any], num_batches: int, shuffle: bool
) -> Timing:
    """Trains a new model; returns the time with making the data, without the model."""
    from tensorflow import keras

    random.seed(_SEED)
    model = _small_cnn()
    marks: list[float] = []

    def mark(*_: object) -> None:
        marks.append(time.perf_counter())

    epochs = keras.callbacks.LambdaCallback(on_epoch_begin=mark, on_epoch_end=mark)
    mark()
    model.fit(make_data(), epochs=_EPOCHS, callbacks=[epochs], shuffle=shuffle)
    mark()
    *_, last_begin, last_end, end = marks
    return Timing(name, num_batches * _EPOCHS, end - marks[0], last_end - last_begin)


def _small_cnn() -> Any:
    from tensorflow import keras

    from seq2data.tools.photo_sequence import SIDE

    keras.utils.set_random_seed(_SEED)
    layers = keras.layers
    model = keras.Sequential(
        [
            layers.Input((SIDE, SIDE, 3)),
            layers.Conv2D(8, 3, strides=4, activation="relu"),
            layers.Conv2D(16, 3, strides=2, activation="relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    return model


def _warm_up() -> None:
    """Trains on a batch of zeros, so that neither way pays for TensorFlow's start."""
    import numpy as np

    from seq2data.tools.photo_sequence import SIDE

    images = np.zeros((_BATCH_SIZE, SIDE, SIDE, 3), np.float32)
    _small_cnn().fit(images, np.zeros(_BATCH_SIZE), verbose=0)
