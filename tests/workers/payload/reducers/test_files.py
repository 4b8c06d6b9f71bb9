"""Files and what lies in them: opened again, never copied, each worker for itself."""

from __future__ import annotations

import os
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seq2data.errors import PayloadError
from seq2data.source.adapt import adapt
from seq2data.workers.payload.payload import pack
from seq2data.workers.processes.pool import ProcessPool
from seq2data.workers.task import Task
from tests.workers.payload.loading import sent

# Legacy classes leave their files to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


class Holding:
    def __init__(self, value: Any) -> None:
        self.value = value


class Records:
    """Reads a record in two steps; the reader before it left the file at another."""

    def __init__(self, path: Path) -> None:
        np.arange(64, dtype=np.int64).repeat(2).tofile(path)
        self.file = path.open("rb", 0)

    def __len__(self) -> int:
        return 64

    def __getitem__(self, index: int) -> Any:
        self.file.seek(index * 16)
        os.sched_yield()
        first = self.file.read(8)
        os.sched_yield()
        return np.frombuffer(first + self.file.read(8), np.int64)


def test_forked_workers_do_not_share_the_position_of_a_file(
    tmp_path: Path, start_method: str
) -> None:
    source = Records(tmp_path / "records")
    pool = ProcessPool("Records", 4, 4, start_method=start_method)
    try:
        pool.load(adapt(source))
        tasks = [Task(0, None, (index,)) for index in range(64)]
        for task in tasks:
            pool.submit(task)
        runs = [run for task in tasks for run in task.future.result(60).runs]
        assert [run.arrays[0].tolist() for run in runs] == [
            [[index, index]] for index in range(64)
        ]
    finally:
        pool.close()
        source.file.close()


def test_file_is_not_moved_by_sending_it(tmp_path: Path) -> None:
    (tmp_path / "lines").write_text("one\ntwo\nthree\n")
    with open(tmp_path / "lines") as file:
        file.readline()
        assert sent(file).readline() == "two\n"
        assert file.readline() == "two\n"
        assert sent(file).read() == "three\n"


def test_file_is_found_after_the_parent_went_to_another_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("lines").write_text("one\n")
    with open("lines") as file:
        (tmp_path / "other").mkdir()
        monkeypatch.chdir(tmp_path / "other")
        assert sent(file).read() == "one\n"


@pytest.mark.parametrize("mode", ["w", "a", "r+", "wb", "rb+", "w+"])
def test_file_that_is_open_for_writing_is_refused(tmp_path: Path, mode: str) -> None:
    (tmp_path / "log").write_text("")
    with (
        open(tmp_path / "log", mode) as file,
        pytest.raises(PayloadError, match=r"`Holding\.value`.*open for writing"),
    ):
        pack(Holding(file), None)


def test_file_that_was_removed_is_refused(tmp_path: Path) -> None:
    (tmp_path / "gone").write_text("")
    with open(tmp_path / "gone") as file:
        (tmp_path / "gone").unlink()
        with pytest.raises(PayloadError, match=r"`Holding\.value.*removed or moved"):
            pack(Holding(file), None)


def test_text_file_inside_a_loop_over_its_lines_is_refused(tmp_path: Path) -> None:
    (tmp_path / "lines").write_text("one\ntwo\n")
    with open(tmp_path / "lines") as file:
        next(file)
        with pytest.raises(PayloadError, match="in the middle of a loop"):
            pack(Holding(file), None)


@pytest.mark.parametrize("mode", ["r", "w", "rb", "wb", "r+b", "a"])
def test_null_device_is_opened_again(mode: str) -> None:
    with open(os.devnull, mode) as file, sent(file) as copy:
        assert os.path.samestat(os.fstat(copy.fileno()), os.stat(os.devnull))
        assert copy.writable() == file.writable()
        assert copy.readable() == file.readable()


def test_pipe_is_refused() -> None:
    reader, writer = os.pipe()
    os.close(writer)
    with (
        open(reader, "rb") as file,
        pytest.raises(PayloadError, match="not a file on a disk"),
    ):
        pack(Holding(file), None)


def test_database_in_memory_is_refused() -> None:
    connection = sqlite3.connect(":memory:")
    with pytest.raises(PayloadError, match=r"`Holding\.value`.*in the memory"):
        pack(Holding(connection), None)
    connection.close()


def test_connection_is_sent_from_threads_that_may_not_use_it(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "table.db")
    source = Holding(connection)
    first = pack(source, None)  # as `to_dataset` does; later epochs begin elsewhere
    with ThreadPoolExecutor(1) as executor:
        assert executor.submit(pack, source, first).result() is first
    connection.close()


# Memory-mapped arrays


@pytest.fixture
def numbers(tmp_path: Path) -> Path:
    np.save(tmp_path / "numbers.npy", np.arange(100_000))
    return tmp_path / "numbers.npy"


@pytest.mark.parametrize("mode", ["r", "r+", "c"])
@pytest.mark.parametrize(
    "part", [np.s_[:], np.s_[500:], np.s_[::-3], np.s_[7:8]], ids=str
)
def test_mapped_array_is_sent_without_its_data(
    numbers: Path, mode: Any, part: slice
) -> None:
    array = np.load(numbers, mmap_mode=mode)[part]
    payload = pack(Holding(array), None)
    assert payload.load.buffers == ()
    without = pack(Holding(None), None).load.pickle.nbytes
    assert payload.load.pickle.nbytes < without + 2000
    found = sent(array)
    assert type(found) is np.memmap
    assert Path(found.filename) == numbers
    assert found.strides == array.strides
    assert found.tolist() == array.tolist()


@pytest.mark.parametrize(("mode", "kept"), [("r", "r"), ("r+", "c"), ("c", "c")])
def test_mode_of_a_map_is_kept_but_no_worker_writes_into_the_file(
    numbers: Path, mode: Any, kept: str
) -> None:
    array = np.load(numbers, mmap_mode=mode)
    found = sent(array)
    assert found.mode == kept
    assert found.flags.writeable == array.flags.writeable
    if found.flags.writeable:
        found[:] = -1
        assert np.load(numbers)[9] == 9
        assert array[9] == 9


def test_what_the_parent_writes_into_a_mapped_file_is_seen(numbers: Path) -> None:
    array = np.load(numbers, mmap_mode="r+")
    found = sent(array)
    array[5] = -7
    assert found[5] == -7


def test_what_the_parent_wrote_into_its_own_pages_is_sent(numbers: Path) -> None:
    array = np.load(numbers, mmap_mode="c")
    array[5] = -7
    assert sent(array)[[4, 5]].tolist() == [4, -7]
    assert np.load(numbers)[5] == 5


def test_view_of_a_map_that_is_no_memmap_is_mapped(numbers: Path) -> None:
    array = np.asarray(np.load(numbers, mmap_mode="r"))[50:]
    assert pack(Holding(array), None).load.buffers == ()
    found = sent(array)
    assert type(found) is np.ndarray
    assert found.tolist() == array.tolist()
    assert not found.flags.writeable


def test_map_of_a_file_that_was_removed_is_sent_as_an_array(numbers: Path) -> None:
    array = np.load(numbers, mmap_mode="r")
    numbers.unlink()
    assert sent(array).tolist() == list(range(100_000))


def test_what_is_computed_from_a_map_is_an_array_of_its_own(numbers: Path) -> None:
    array = np.load(numbers, mmap_mode="r") * 2
    assert sent(array).tolist() == list(range(0, 200_000, 2))


def test_other_kinds_of_array_keep_their_type(numbers: Path) -> None:
    array = np.load(numbers, mmap_mode="r").view([("x", np.int64)]).view(np.recarray)
    found = sent(array)
    assert type(found) is np.recarray
    assert found.x[[0, -1]].tolist() == [0, 99_999]
