"""An HDF5 file that a source holds open is opened again in its workers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seq2data.errors import PayloadError
from seq2data.source.adapt import adapt
from seq2data.workers.payload.payload import pack
from seq2data.workers.processes.pool import ProcessPool
from seq2data.workers.task import Task

h5py = pytest.importorskip("h5py")


class Waves:
    """Holds an HDF5 file open, as legacy classes do."""

    def __init__(self, file: Any) -> None:
        self.file = file
        self.group = file["data"]
        self.record = file["data/1"]

    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: int) -> Any:
        assert self.record[0] == 1
        return self.group[str(index)][...], np.full(2, len(self.file["data"]))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with h5py.File(tmp_path / "waves.hdf5", "w") as file:
        for index in range(3):
            file.create_dataset(f"data/{index}", data=np.full(5, index))
    return tmp_path / "waves.hdf5"


def test_open_hdf5_file_is_opened_again_in_workers(
    path: Path, start_method: str
) -> None:
    with h5py.File(path, "r") as file:
        source = Waves(file)
        pool = ProcessPool("Waves", 2, 4, start_method=start_method)
        try:
            pool.load(adapt(source))
            tasks = [Task(0, None, (index,)) for index in range(3)]
            for task in tasks:
                pool.submit(task)
            assert len(tasks) == 3
            for index, task in enumerate(tasks):
                (run,) = task.future.result(60).runs
                assert len(run.arrays) == len(source[index])
                for got, due in zip(run.arrays, source[index]):
                    np.testing.assert_array_equal(got[0], due)
        finally:
            pool.close()


def test_hdf5_file_that_is_open_for_writing_is_refused(path: Path) -> None:
    with (
        h5py.File(path, "r+") as file,
        pytest.raises(PayloadError, match=r"`Waves.file`.*open it with mode 'r'"),
    ):
        pack(adapt(Waves(file)), None)
