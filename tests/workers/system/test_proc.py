"""What a process reads about itself is what it has opened, mapped and written."""

from __future__ import annotations

import mmap
import os
from pathlib import Path

import numpy as np
import pytest

from seq2data.workers.system import proc

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/smaps").exists(), reason="there is no /proc here"
)

NUM_BYTES = 8 * mmap.PAGESIZE


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "a name with spaces"
    made.write_bytes(bytes(NUM_BYTES))
    return made


def range_at(array: np.ndarray, ranges: list[proc.MappedRange]) -> proc.MappedRange:
    address = array.__array_interface__["data"][0]
    (found,) = (one for one in ranges if one.start <= address < one.stop)
    return found


def test_open_file_is_listed_with_its_path_until_it_is_closed(path: Path) -> None:
    with path.open() as file:
        number = file.fileno()
        assert proc.open_descriptors()[number] == str(path)
        assert proc.target_of(number) == str(path)
    assert number not in proc.open_descriptors()
    assert proc.target_of(number) is None


def test_listing_has_no_descriptor_of_its_own() -> None:
    found = proc.open_descriptors()
    assert len(found) > 2
    for number, target in found.items():
        assert os.readlink(proc.descriptor_path(number)) == target


def test_descriptor_path_opens_the_file_with_a_position_of_its_own(path: Path) -> None:
    path.write_bytes(b"ab")
    with path.open("rb", 0) as file:
        assert file.read(1) == b"a"
        with open(proc.descriptor_path(file.fileno()), "rb", 0) as other:
            assert other.read() == b"ab"
        assert file.read() == b"b"


@pytest.mark.parametrize("mode", ["r", "c", "r+"])
def test_mapped_file_is_found_with_its_path(path: Path, mode: str) -> None:
    array = np.memmap(path, np.uint8, mode)  # type: ignore[call-overload]
    found = range_at(array, list(proc.mapped_ranges()))
    assert found.path == str(path)
    assert found.inode == path.stat().st_ino
    assert found.stop - found.start == NUM_BYTES
    # numpy maps for reading what is shared.
    assert found.is_private == (mode == "c")


def test_memory_of_no_file_has_no_inode() -> None:
    memory = mmap.mmap(-1, NUM_BYTES, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    found = range_at(np.frombuffer(memory, np.uint8), list(proc.mapped_ranges()))
    assert found.is_private
    assert found.inode == 0


def test_pages_that_were_written_to_are_counted(path: Path) -> None:
    array = np.memmap(path, np.uint8, "c")
    array.sum()
    assert range_at(array, proc.mapped_ranges_with_copied_kb()).copied_kb == 0
    array[:: 4 * mmap.PAGESIZE] = 1
    found = range_at(array, proc.mapped_ranges_with_copied_kb())
    assert found.copied_kb == 2 * mmap.PAGESIZE // 1024
    assert found.path == str(path)


def test_both_listings_have_the_same_ranges() -> None:
    counted = proc.mapped_ranges_with_copied_kb()
    plain = list(proc.mapped_ranges())
    assert len(counted) > 10
    common = {one.start for one in counted} & {one.start for one in plain}
    assert len(common) > 0.9 * len(plain)  # what was allocated between them differs


def test_where_there_is_no_proc_nothing_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proc, "_DESCRIPTORS", str(tmp_path / "fd"))
    monkeypatch.setattr(proc, "_MAPS", tmp_path / "maps")
    monkeypatch.setattr(proc, "_SMAPS", tmp_path / "smaps")
    assert proc.open_descriptors() == {}
    assert proc.target_of(0) is None
    assert list(proc.mapped_ranges()) == []
    assert not proc.counts_copied_pages()
    assert proc.mapped_ranges_with_copied_kb() == []
