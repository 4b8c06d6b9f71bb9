"""A source comes out of a payload as it went in."""

from __future__ import annotations

import gc

import numpy as np
import pytest

from seq2data.workers.payload.payload import pack
from seq2data.workers.wire.messages import Extent
from tests.workers.payload.loading import BIG, Data, big, loaded, num_memory_files


class Recorder:
    """Records if the garbage collector was on when it was loaded."""

    def __setstate__(self, state: object) -> None:
        self.was_on = gc.isenabled()

    def __getstate__(self) -> object:
        return True


@pytest.mark.parametrize("is_on", [True, False])
def test_garbage_collector_is_off_while_a_source_is_loaded(is_on: bool) -> None:
    """The collector takes a sixth of the time of an import of Keras."""
    payload = pack(Recorder(), None)
    (gc.enable if is_on else gc.disable)()
    try:
        source = loaded(payload)
        assert gc.isenabled() is is_on
    finally:
        gc.enable()
    assert not source.was_on


def test_source_comes_out_as_it_went_in() -> None:
    data = Data(x=big(), small=np.arange(3), names=["a", "b"])
    found = loaded(pack(data, None))
    assert type(found) is Data
    assert found.x.tolist() == big().tolist()
    assert found.small.tolist() == [0, 1, 2]
    assert found.names == ["a", "b"]


def test_class_that_cannot_be_imported_is_sent_with_its_source() -> None:
    class Local(Data):
        def total(self) -> int:
            return int(self.x.sum())

    assert loaded(pack(Local(x=big()), None)).total() == BIG * (BIG - 1) // 2


@pytest.mark.parametrize(
    "array",
    [
        np.asfortranarray(np.arange(BIG).reshape(100, -1)),
        np.arange(2 * BIG)[::2],
        np.ones(BIG, "f2"),
        np.array(["text", "longer text"] * BIG),
        np.arange(BIG).reshape(100, -1)[:0],
    ],
    ids=["fortran", "strided", "float16", "text", "empty"],
)
def test_array_of_any_kind_comes_out_as_it_went_in(array: np.ndarray) -> None:
    found = loaded(pack(Data(x=array), None)).x
    assert found.dtype == array.dtype
    assert found.shape == array.shape
    assert found.tobytes() == array.tobytes()


@pytest.mark.parametrize("writeable", [True, False])
def test_array_may_be_written_to_where_the_users_may(writeable: bool) -> None:
    array = big()
    array.flags.writeable = writeable
    assert loaded(pack(Data(x=array), None)).x.flags.writeable == writeable


def test_large_arrays_lie_outside_of_the_pickle_and_small_ones_inside() -> None:
    small = pack(Data(small=np.arange(100)), None).load
    load = pack(Data(x=big(), small=np.arange(100)), None).load
    assert [extent.nbytes for extent in load.buffers] == [BIG * 8]
    assert load.pickle.nbytes < small.pickle.nbytes + 10_000


def test_descriptors_end_with_the_payload() -> None:
    before = num_memory_files()
    data = Data(x=big())
    first = pack(data, None)
    data.epoch = 1
    second = pack(data, first)
    assert num_memory_files() == before + 2
    del first
    gc.collect()
    assert num_memory_files() == before + 2  # the array is still in the first file
    del second
    gc.collect()
    assert num_memory_files() == before


def test_loader_keeps_no_descriptor() -> None:
    data = Data(x=big())
    payload = None
    for data.epoch in range(3):
        payload = pack(data, payload)
        before = num_memory_files()
        found = loaded(payload)
        assert num_memory_files() == before
        assert found.x[-1] == BIG - 1


def test_loaded_source_outlives_everything_else() -> None:
    payload = pack(Data(x=big()), None)
    found = loaded(payload)
    del payload
    gc.collect()
    assert found.x.tolist() == big().tolist()


def test_what_one_worker_writes_is_in_no_other() -> None:
    payload = pack(Data(x=big()), None)
    one, other = loaded(payload), loaded(payload)
    one.x[:] = -1
    assert other.x.tolist() == big().tolist()
    assert loaded(payload).x.tolist() == big().tolist()


def test_one_array_under_two_names_stays_one() -> None:
    shared = big()
    found = loaded(pack(Data(x=shared, y=shared), None))
    assert found.x is found.y


def test_holds_is_true_for_equal_bytes_alone() -> None:
    payload = pack(Data(x=big()), None)
    (extent,) = payload.load.buffers
    same = big().view(np.uint8)
    other = same.copy()
    other[-1] += 1
    assert payload.holds(same, extent)
    assert not payload.holds(other, extent)
    assert not payload.holds(same[:-1], extent)
    shifted = Extent(extent.file, extent.offset + 64, extent.nbytes - 64)
    assert not payload.holds(same[:-64], shifted)
