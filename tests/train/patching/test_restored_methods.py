"""What classes of `keras.preprocessing` and `callbacks` had, and have not in Keras 3.

The lists of names were compared by program: every public attribute of the classes of
`keras_preprocessing` 1.1.2 and of `keras.preprocessing` of Keras 2.15.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

import seq2data  # noqa: E402
from tests.keras_version import IS_KERAS_3  # noqa: E402

keras = tf.keras
pytestmark = [pytest.mark.tensorflow, pytest.mark.usefixtures("patched")]

# Public names of the classes in Keras 2.15, beside those of `Sequence`.
NAMES = {
    "NumpyArrayIterator": "next on_epoch_end reset white_list_formats",
    "DirectoryIterator": "allowed_class_modes filepaths labels next on_epoch_end "
    "reset sample_weight set_processing_attrs white_list_formats",
    "Iterator": "next on_epoch_end reset white_list_formats",
    "ImageDataGenerator": "apply_transform fit flow flow_from_dataframe "
    "flow_from_directory get_random_transform random_transform standardize",
}


def image() -> Any:
    from tensorflow.keras.preprocessing import image

    return image


def flow(count: int = 10, **arguments: Any) -> Any:
    generator = image().ImageDataGenerator()
    images = np.arange(count, dtype=np.float32).reshape(count, 1, 1, 1)
    return generator.flow(images, np.arange(count), batch_size=4, **arguments)


@pytest.mark.parametrize("name", NAMES)
def test_class_has_what_it_had(name: str) -> None:
    assert set(NAMES[name].split()) <= set(dir(getattr(image(), name)))


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("seed", [None, 3])
def test_next_of_an_image_iterator_is_the_next_batch(shuffle: bool, seed: Any) -> None:
    one, other = (flow(shuffle=shuffle, seed=seed) for _ in range(2))
    if seed is None and shuffle:
        assert sorted(np.concatenate([one.next()[1] for _ in range(3)])) == [*range(10)]
        return
    for _ in range(5):
        np.testing.assert_array_equal(one.next()[1], next(other)[1])
    assert one.batch_index == other.batch_index
    np.testing.assert_array_equal(next(one)[0], other.next()[0])


def test_next_of_all_iterators(tmp_path: Any) -> None:
    pillow = pytest.importorskip("PIL.Image")
    for kind in ("cat", "dog"):
        (tmp_path / kind).mkdir()
        pillow.new("RGB", (4, 4)).save(tmp_path / kind / "a.png")
    generator = image().ImageDataGenerator()
    iterator = generator.flow_from_directory(tmp_path, (4, 4), batch_size=2)
    x, y = iterator.next()
    assert (x.shape, y.sum()) == ((2, 4, 4, 3), 2)


def test_old_subclass_that_overrides_next_is_asked_by_next() -> None:
    class Old(image().NumpyArrayIterator):
        def next(self) -> Any:
            with self.lock:
                index_array = next(self.index_generator)
            return "old", index_array.tolist()

    old = Old(np.zeros((6, 1, 1, 1)), None, image().ImageDataGenerator(), 4, False)
    assert [next(old), old.next()] == [("old", [0, 1, 2, 3]), ("old", [4, 5])]


class Wrapping(keras.utils.Sequence):
    """Calls `next` in the worker."""

    def __init__(self) -> None:
        super().__init__()
        self.images = np.arange(8.0, dtype=np.float32).reshape(8, 1, 1, 1)

    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int) -> Any:
        from tensorflow.keras.preprocessing.image import ImageDataGenerator

        part = self.images[4 * index :][:4]
        iterator = ImageDataGenerator().flow(part, batch_size=4, shuffle=False)
        return iterator.next().reshape(4)


def test_next_is_there_in_workers(start_method: str) -> None:
    dataset = seq2data.to_dataset(Wrapping(), workers=1)
    assert [x.numpy().tolist() for x in dataset] == [[0, 1, 2, 3], [4, 5, 6, 7]]


SERIES: dict[str, Any] = {
    "array": np.arange(12).reshape(6, 2),
    "list": [0, 1, 2, 3, 4, 5],
    "floats": np.linspace(0, 1, 6),
}


@pytest.mark.parametrize("kind", SERIES)
def test_configuration_of_a_timeseries_generator(kind: str) -> None:
    from tensorflow.keras.preprocessing.sequence import TimeseriesGenerator

    data = SERIES[kind]
    how = {"length": 2, "stride": 2, "batch_size": 3, "shuffle": True, "end_index": 4}
    generator = TimeseriesGenerator(data, data, **how)
    as_list = data.tolist() if hasattr(data, "tolist") else data
    # As Keras 2.15 returned it, in this order.
    due = {
        "data": json.dumps(as_list),
        "targets": json.dumps(as_list),
        "length": 2,
        "sampling_rate": 1,
        "stride": 2,
        "start_index": 2,
        "end_index": 4,
        "shuffle": True,
        "reverse": False,
        "batch_size": 3,
    }
    assert list(generator.get_config().items()) == list(due.items())
    told = json.loads(generator.to_json(indent=1))
    assert told == {"class_name": "TimeseriesGenerator", "config": due}


def test_timeseries_that_is_no_json_is_refused() -> None:
    from tensorflow.keras.preprocessing.sequence import TimeseriesGenerator

    with pytest.raises(TypeError, match="Targets not JSON Serializable"):
        TimeseriesGenerator([1, 2, 3], [1j, 2, 3], length=1).get_config()


@pytest.mark.skipif(not IS_KERAS_3, reason="Keras 2 has them itself")
def test_unpatch_takes_them_back() -> None:
    iterator = image().Iterator
    assert callable(iterator.next)
    assert keras.callbacks.Callback.validation_data is None
    seq2data.unpatch_keras()
    assert not hasattr(iterator, "next")
    assert not hasattr(keras.callbacks.Callback, "validation_data")
    iterator = flow(shuffle=False)
    assert next(iterator)[1].tolist() == [0, 1, 2, 3]


def test_generator_of_a_flow_is_still_a_generator() -> None:
    def pairs() -> Iterator[Any]:
        images, masks = flow(seed=1), flow(seed=1)
        while True:
            yield images.next()[0].reshape(-1, 1), masks.next()[0].reshape(-1, 1)

    got = list(seq2data.to_dataset(pairs, workers=0).take(2))
    assert len(got) == 2
    for one, other in got:
        np.testing.assert_array_equal(one, other)
