from __future__ import annotations

import gc
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Optional

import cloudpickle
import numpy as np
import pytest

from seq2data.errors import PayloadError
from seq2data.source.adapt import adapt
from seq2data.workers.payload.payload import Payload, load, pack
from seq2data.workers.payload.submodules import find_once
from seq2data.workers.wire.messages import Extent

BIG = 100_000


def big(start: int = 0) -> np.ndarray:
    """An array that is too large to travel inside the pickle."""
    return np.arange(start, start + BIG, dtype=np.int64)


class Data:
    """A legacy class with large arrays and a little state."""

    def __init__(self, **arrays: Any) -> None:
        self.epoch = 0
        self.__dict__.update(arrays)


class Reader:
    """A worker's side of the payload: it gets descriptors of its own."""

    def load(self, payload: Payload) -> Any:
        descriptors = [os.dup(number) for number in payload.descriptors()]
        return load(payload.load, descriptors).source


def loaded(payload: Payload) -> Any:
    return Reader().load(payload)


def by_value(code: str) -> dict[str, Any]:
    """What `code` defines, as if in `__main__`: nobody can import it."""
    names: dict[str, Any] = {"__name__": "__main__"}
    exec(code, names)
    return names


class Asks:
    """Knows whether the garbage collector was on when it was loaded."""

    def __setstate__(self, state: object) -> None:
        self.was_on = gc.isenabled()

    def __getstate__(self) -> object:
        return True


@pytest.mark.parametrize("is_on", [True, False])
def test_collector_rests_while_a_source_is_loaded(is_on: bool) -> None:
    """Looking through all that an import of Keras makes is a sixth of its time."""
    payload = pack(Asks(), None)
    (gc.enable if is_on else gc.disable)()
    try:
        source = loaded(payload)
        assert gc.isenabled() is is_on
    finally:
        gc.enable()
    assert not source.was_on


def memory_files() -> int:
    """Descriptors of files in memory that this process has."""
    found = 0
    for link in Path("/proc/self/fd").iterdir():
        try:
            found += "memfd:seq2data" in os.readlink(link)
        except FileNotFoundError:  # the listing's own descriptor
            continue
    return found


def test_source_comes_out_as_it_went_in() -> None:
    data = Data(x=big(), small=np.arange(3), names=["a", "b"])
    found = loaded(pack(data, None))
    assert type(found) is Data
    assert found.x.tolist() == big().tolist()
    assert found.small.tolist() == [0, 1, 2]
    assert found.names == ["a", "b"]


def test_class_that_cannot_be_imported_travels_with_its_source() -> None:
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


def test_first_version_is_0_and_each_change_counts_one_up() -> None:
    data = Data(x=big())
    payload: Optional[Payload] = None
    versions = []
    for data.epoch in range(3):
        payload = pack(data, payload)
        versions.append(payload.version)
    assert versions == [0, 1, 2]


@pytest.mark.parametrize("arrays", [{}, {"x": big()}, {"x": big(), "y": big(5)}])
def test_source_that_has_not_changed_is_the_same_payload(
    arrays: dict[str, Any],
) -> None:
    data = Data(**arrays)
    first = pack(data, None)
    assert pack(data, first) is first


def test_large_arrays_lie_outside_of_the_pickle_and_small_ones_inside() -> None:
    load = pack(Data(x=big(), small=np.arange(100)), None).load
    assert [extent.nbytes for extent in load.buffers] == [BIG * 8]
    assert load.pickle.nbytes < BIG


def test_array_that_has_not_changed_is_not_sent_again() -> None:
    data = Data(x=big(), y=big(5))
    first = pack(data, None)
    data.epoch = 1
    second = pack(data, first)
    assert second is not first
    assert second.load.buffers == first.load.buffers
    assert second.load.pickle.file not in first.load.files
    found = loaded(second)
    assert found.epoch == 1
    assert found.x.tolist() == big().tolist()
    assert found.y.tolist() == big(5).tolist()


def test_array_of_equal_content_is_not_sent_again() -> None:
    first = pack(Data(x=big()), None)
    second = pack(Data(x=big().copy(), note="another object"), first)
    assert second.load.buffers == first.load.buffers


def test_only_the_array_that_has_changed_is_sent_again() -> None:
    data = Data(x=big(), y=big(5))
    first = pack(data, None)
    data.y[-1] = -1
    second = pack(data, first)
    assert second.load.buffers[0] == first.load.buffers[0]
    assert second.load.buffers[1].file not in first.load.files
    found = loaded(second)
    assert found.x.tolist() == big().tolist()
    assert found.y[[0, -1]].tolist() == [5, -1]


def test_array_changed_in_any_place_is_noticed() -> None:
    data = Data(x=np.zeros(3 << 18))  # several pieces of comparison
    payload = pack(data, None)
    for position in (0, 1 << 17, (3 << 18) - 1):
        data.x[position] = 1
        newer = pack(data, payload)
        assert newer is not payload
        assert loaded(newer).x[position] == 1
        payload = newer


def test_arrays_that_changed_places_are_not_sent_again() -> None:
    data = Data(x=big(), y=big(5))
    first = pack(data, None)
    data.x, data.y = data.y, data.x
    second = pack(data, first)
    assert set(second.load.buffers) == set(first.load.buffers)
    found = loaded(second)
    assert (found.x[0], found.y[0]) == (5, 0)


def test_arrays_of_several_versions_are_found_again() -> None:
    data = Data(x=big(), y=big(5), z=big(9))
    payload = pack(data, None)
    reader = Reader()
    for data.epoch in range(1, 6):
        data.y = big(100 * data.epoch)
        payload = pack(data, payload)
        for found in (reader.load(payload), loaded(payload)):
            starts = found.epoch, found.x[0], found.y[0], found.z[0]
            assert starts == (data.epoch, 0, 100 * data.epoch, 9)


def test_files_that_no_array_needs_are_let_go() -> None:
    data = Data(x=big())
    payload = pack(data, None)
    for data.epoch in range(1, 5):
        data.x = big(data.epoch)
        payload = pack(data, payload)
        assert len(payload.files) == 1
    assert payload.load.files == tuple(payload.files)


def test_descriptors_end_with_the_payload() -> None:
    before = memory_files()
    data = Data(x=big())
    first = pack(data, None)
    data.epoch = 1
    second = pack(data, first)
    assert memory_files() == before + 2
    del first
    gc.collect()
    assert memory_files() == before + 2  # the array is still in the first file
    del second
    gc.collect()
    assert memory_files() == before


def test_loader_keeps_no_descriptor() -> None:
    data = Data(x=big())
    reader = Reader()
    payload = None
    for data.epoch in range(3):
        payload = pack(data, payload)
        before = memory_files()
        found = reader.load(payload)
        assert memory_files() == before
        assert found.x[-1] == BIG - 1


def test_loaded_source_outlives_everything_else() -> None:
    payload = pack(Data(x=big()), None)
    reader = Reader()
    found = reader.load(payload)
    del payload, reader
    gc.collect()
    assert found.x.tolist() == big().tolist()


def test_older_version_stays_valid_when_a_newer_one_is_loaded() -> None:
    data = Data(x=big())
    reader = Reader()
    first = pack(data, None)
    older = reader.load(first)
    data.x = big(7)
    newer = reader.load(pack(data, first))
    assert (older.x[0], newer.x[0]) == (0, 7)


def test_what_one_worker_writes_no_other_sees() -> None:
    payload = pack(Data(x=big()), None)
    one, other = loaded(payload), loaded(payload)
    one.x[:] = -1
    assert other.x.tolist() == big().tolist()
    assert loaded(payload).x.tolist() == big().tolist()


def test_newer_version_does_not_have_what_the_worker_wrote_into_the_older() -> None:
    assert first_element_after_a_write() == 0


def first_element_after_a_write() -> int:
    data = Data(x=big())
    reader = Reader()
    first = pack(data, None)
    reader.load(first).x[0] = -1
    data.epoch = 1
    return int(reader.load(pack(data, first)).x[0])


@pytest.mark.parametrize(
    "version",
    [
        0,
        pytest.param(
            1,
        ),
    ],
)
def test_arrays_of_equal_content_are_still_two_arrays(version: int) -> None:
    assert first_element_after_a_write_to_its_twin(version) == 0


def first_element_after_a_write_to_its_twin(version: int) -> int:
    data = Data(x=big(), y=big())
    payload: Optional[Payload] = None
    for data.epoch in range(version + 1):
        payload = pack(data, payload)
    assert payload is not None
    found = loaded(payload)
    found.x[0] = -1
    return int(found.y[0])


def test_one_array_under_two_names_stays_one() -> None:
    shared = big()
    found = loaded(pack(Data(x=shared, y=shared), None))
    assert found.x is found.y


def test_payload_knows_what_it_holds() -> None:
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


class Connection:
    """Cannot be sent."""

    def __reduce__(self) -> Any:
        raise TypeError("connections stay at home")


def begun() -> Any:
    """A generator that cannot be copied any more."""
    rows = (row for row in "ab")
    next(rows)
    return rows


class Dropping(Data):
    """Leaves one connection out, and has another."""

    def __getstate__(self) -> dict[str, Any]:
        return {name: part for name, part in vars(self).items() if name != "left_out"}


@pytest.mark.parametrize(
    ("source", "place", "type_name"),
    [
        (Data(code=sys._getframe()), "Data.code", "builtins.frame"),
        (Data(x=big(), db=Connection()), "Data.db", f"{__name__}.Connection"),
        (Data(parts={"db": [1, Connection()]}), "Data.parts['db'][1]", "Connection"),
        (Data(inner=Data(db=Connection())), "Data.inner.db", "Connection"),
        (Data(rows=begun()), "Data.rows", "builtins.generator"),
        ([1, Connection()], "list[1]", "Connection"),
        (Connection(), "Connection", "Connection"),
        pytest.param(
            *(Dropping(left_out=Connection(), db=Connection()), "Dropping.db"),
            "Connection",
        ),
    ],
)
def test_what_cannot_be_sent_is_named_by_attribute_and_type(
    source: Any, place: str, type_name: str
) -> None:
    with pytest.raises(PayloadError) as caught:
        pack(source, None)
    message = str(caught.value)
    assert message.startswith(f"`{place}`, a `")
    for fact in (f"{type_name}`", "`__getstate__`", "`use_multiprocessing=False`"):
        assert fact in message
    assert caught.value.__cause__ is not None


def test_adapted_source_is_named_as_the_users_own() -> None:
    class Sequence(Data):
        def __len__(self) -> int:
            return 3

        def __getitem__(self, index: int) -> int:
            return index

    with pytest.raises(PayloadError, match=r"Sequence\.db`"):
        pack(adapt(Sequence(db=Connection())), None)


def test_transform_that_cannot_be_sent_is_named() -> None:
    connection = Connection()
    with pytest.raises(PayloadError) as caught:
        pack(adapt([1, 2], lambda item: (connection, item)), None)
    assert "`list`" not in str(caught.value)
    assert "transform" in str(caught.value)


def test_reason_why_it_cannot_be_sent_is_told() -> None:
    with pytest.raises(PayloadError, match="connections stay at home"):
        pack(Data(db=Connection()), None)


def test_nothing_is_left_of_a_source_that_cannot_be_sent() -> None:
    before = memory_files()
    with pytest.raises(PayloadError):
        pack(Data(x=big(), db=Connection()), None)
    gc.collect()
    assert memory_files() == before


class Unloadable:
    """Leaves home, and never arrives."""

    def __reduce__(self) -> Any:
        return int, ("not a number",)


def test_error_of_loading_is_the_users_own_and_leaves_no_descriptor() -> None:
    payload = pack(Data(x=big(), bad=Unloadable()), None)
    before = memory_files()
    with pytest.raises(ValueError, match="not a number"):
        loaded(payload)
    assert memory_files() == before


def test_function_of_main_is_looked_through_once_for_submodules() -> None:
    # cloudpickle itself goes through all of `sys.modules` each time.
    function = by_value("import os\ndef path(): return os.path.join('a', 'b')")["path"]
    first = pack(function, None)
    before = find_once.cache_info()
    assert pack(function, first) is first
    after = find_once.cache_info()
    assert (after.hits, after.misses) == (before.hits + 1, before.misses)


def test_submodule_that_a_function_uses_is_loaded_with_it() -> None:
    function = by_value(
        "import xml.dom.minidom\ndef use(): return xml.dom.minidom.__name__"
    )["use"]
    load_it = "import pickle, sys; print(pickle.load(sys.stdin.buffer)())"
    for _ in range(2):  # the second time the search is remembered
        done = subprocess.run(
            [sys.executable, "-c", load_it],
            input=cloudpickle.dumps(function),
            capture_output=True,
            check=False,
        )
        assert done.stdout == b"xml.dom.minidom\n", done.stderr
