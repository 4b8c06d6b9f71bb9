"""Keras's image iterators; the oracle is `next` of an equal one in this process."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Any, Callable

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

from seq2data import to_dataset  # noqa: E402  # needs TensorFlow
from tests.oracle import assert_same, assert_yields  # noqa: E402

pytestmark = pytest.mark.tensorflow

NUM_IMAGES, BATCH = 22, 4
LENGTH = 6
EPOCHS = 3
AUGMENTED = {"rotation_range": 40, "horizontal_flip": True, "zoom_range": 0.3}
PROCESSES = {"workers": 3}
THREADS = {"workers": 3, "use_multiprocessing": False}


def generator(**options: Any) -> Any:
    return tf.keras.preprocessing.image.ImageDataGenerator(**options)


def images(channels: int = 3) -> np.ndarray:
    return np.random.default_rng(channels).random((NUM_IMAGES, 12, 12, channels), "f4")


def flow(**options: Any) -> Any:
    labels = np.arange(NUM_IMAGES)
    return generator(**AUGMENTED).flow(images(), labels, batch_size=BATCH, **options)


def assert_gives(dataset: Any, iterator: Any) -> None:
    """Epoch after epoch the items of an iterator that one reader asks for the next."""
    for _ in range(EPOCHS):
        wanted = list(islice(iterator, LENGTH))
        got = list(dataset)
        assert len(got) == LENGTH
        for position, batch in enumerate(got):
            assert_same(batch, wanted[position], f"[{position}]")


def test_augmented_batches_are_those_of_one_reader(mode: dict[str, Any]) -> None:
    state = np.random.get_state()[1].tolist()
    dataset = to_dataset(flow(seed=7), **mode)
    assert dataset.cardinality() == LENGTH
    epochs = [[x.numpy() for x, _ in dataset] for _ in range(2)]
    assert np.random.get_state()[1].tolist() == state
    wanted = flow(seed=7)
    for epoch in epochs:
        for got, (x, _) in zip(epoch, islice(wanted, LENGTH)):
            np.testing.assert_array_equal(got, x)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number, image in enumerate(images()):
        path = tmp_path / "train" / "ab"[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        tf.keras.utils.save_img(path, image)
    return tmp_path / "train"


def test_images_of_a_folder_are_those_of_one_reader(folder: Path) -> None:
    def flow() -> Any:
        return generator(rescale=0.5, **AUGMENTED).flow_from_directory(
            *(folder, (10, 14)), batch_size=BATCH, class_mode="binary", seed=3
        )

    assert_gives(to_dataset(flow(), **PROCESSES), flow())


def test_images_of_a_data_frame_are_those_of_one_reader(folder: Path) -> None:
    pandas = pytest.importorskip("pandas")
    paths = sorted(str(path) for path in folder.rglob("*.png"))
    frame = pandas.DataFrame({"path": paths, "age": np.arange(NUM_IMAGES) / 2})

    def flow() -> Any:
        return generator(**AUGMENTED).flow_from_dataframe(
            *(frame, None, "path", "age"),
            target_size=(8, 8),
            class_mode="raw",
            batch_size=BATCH,
            seed=3,
            validate_filenames=False,
        )

    assert_gives(to_dataset(flow(), **THREADS), flow())


def pair(seed: int | None) -> Any:
    one = generator(**AUGMENTED).flow(images(3), batch_size=BATCH, seed=seed)
    other = generator(**AUGMENTED).flow(images(1), batch_size=BATCH, seed=seed)
    return zip(one, other)


@pytest.mark.parametrize(
    "options",
    [PROCESSES, THREADS, {"workers": 0}],
    ids=["processes", "threads", "inline"],
)
def test_pairs_with_one_seed_stay_pairs(options: dict[str, Any]) -> None:
    dataset = to_dataset(pair(5), **options)
    assert dataset.cardinality() == LENGTH
    assert_gives(dataset, pair(5))


def test_pairs_are_read_by_all_workers() -> None:
    from seq2data.source.adapt import adapt
    from seq2data.source.image_iterators import Lockstep

    assert isinstance(adapt(pair(5)), Lockstep)


def of_length(num_images: int) -> Any:
    flow = generator().flow(images()[:num_images], batch_size=BATCH, shuffle=False)
    return flow, num_images


def test_iterators_whose_epochs_differ_are_zipped_as_they_are() -> None:
    (one, _), (other, _) = of_length(8), of_length(12)
    zipped = to_dataset(zip(one, other), workers=2)
    wanted = zip(of_length(8)[0], of_length(12)[0])
    found = list(zipped.take(7))
    assert len(found) == 7
    for got, batches in zip(found, wanted):
        assert_same(got, batches)


def test_what_is_not_an_image_iterator_is_zipped_as_it_is() -> None:
    numbers = ((np.array([i]),) for i in range(5))
    zipped = to_dataset(zip(numbers, of_length(20)[0]))
    assert [int(number[0]) for (number,), _ in zipped] == list(range(5))


def test_iterator_without_a_seed_follows_the_datasets() -> None:
    def epochs(workers: int) -> list[Any]:
        dataset = to_dataset(flow(shuffle=False), workers=workers, seed=11)
        return [[x.numpy() for x, _ in dataset] for _ in range(2)]

    inline, three = epochs(0), epochs(3)
    for got, wanted in zip(inline, three):
        np.testing.assert_array_equal(np.concatenate(got), np.concatenate(wanted))
    assert not np.array_equal(inline[0][0], inline[1][0])


def test_unseeded_order_is_one_order_for_all_workers() -> None:
    labels = [
        sorted(int(y) for _, batch in epoch for y in batch)
        for dataset in [to_dataset(flow(), **PROCESSES)]
        for epoch in (list(dataset) for _ in range(2))
    ]
    assert labels == [list(range(NUM_IMAGES))] * 2


def test_iterator_that_was_looked_into_is_read_from_the_start() -> None:
    iterator = flow(seed=7)
    next(iterator)
    dataset = to_dataset(iterator, **THREADS)
    found = np.concatenate([y.numpy() for _, y in dataset])
    assert sorted(found.tolist()) == list(range(NUM_IMAGES))


class Squared:
    """A transform that workers can import."""

    def __call__(self, batch: Any) -> Any:
        return batch[0] ** 2


def test_transform_gets_the_iterators_batch() -> None:
    dataset = to_dataset(flow(seed=1), transform=Squared(), **THREADS)
    wanted = next(flow(seed=1))[0] ** 2
    np.testing.assert_array_equal(next(iter(dataset)), wanted)


def series(**options: Any) -> Any:
    make: Callable[..., Any] = tf.keras.preprocessing.sequence.TimeseriesGenerator
    data = np.arange(60.0).reshape(30, 2)
    return make(data, np.arange(30.0), length=4, batch_size=5, **options)


def test_time_series_are_read_by_index(way: dict[str, Any]) -> None:
    assert_yields(to_dataset(series(), **way), series())


def test_shuffled_time_series_are_the_same_for_every_number_of_workers() -> None:
    def epochs(workers: int) -> list[Any]:
        dataset = to_dataset(series(shuffle=True), workers=workers, seed=4)
        return [[y.numpy().tolist() for _, y in dataset] for _ in range(2)]

    wanted = epochs(0)
    assert epochs(3) == wanted
    assert wanted[0] != wanted[1]
