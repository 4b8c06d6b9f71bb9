"""Native code keeps a pool of threads (OpenMP), in the parent and in forked workers.

pytorch#1838: GNU OpenMP believes in the fork that the threads of the forking thread are
there, and waits for them. Keras's helper thread forks, and calls `__len__` before.
"""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.deadlocks.program import HANGS, Outcome
from tests.deadlocks.scenario import Numbered, batch, fit_legacy, indices, recorder

pytestmark = pytest.mark.skipif(
    shutil.which("gcc") is None, reason="the native code is compiled with gcc -fopenmp"
)
CODE = """
#include <omp.h>
int count(int threads) {
    int sum = 0;
    #pragma omp parallel num_threads(threads) reduction(+:sum)
    sum += 1;
    return sum;
}
"""


class Native(Numbered):
    """Two native threads count its batches, and make them."""

    def __init__(self) -> None:
        super().__init__()
        self.library = str(Path("native.so").resolve())
        Path("native.c").write_text(CODE)
        command = ["gcc", "-shared", "-fPIC", "-fopenmp", "native.c"]
        subprocess.run([*command, "-o", self.library], check=True)

    def count(self) -> int:
        """How many threads took part, of two."""
        return int(ctypes.CDLL(self.library).count(2))

    def __len__(self) -> int:
        return 6 * self.count()

    def __getitem__(self, index: int) -> Any:
        assert self.count() == 2
        return batch(index)


def ours() -> None:
    from seq2data import to_dataset

    source = Native()
    print(source.count())  # the parent's threads are there now
    dataset = to_dataset(source, workers=2)
    print(indices(dataset))
    print(indices(dataset))
    print("every batch once, in order")


def legacy() -> None:
    source, model = Native(), recorder()
    print(source.count())
    print(fit_legacy(source, model).seen)


def test_workers_have_native_threads_of_their_own(ours: Outcome) -> None:
    assert ours.succeed()[:3] == ["2", *[str(list(range(12)))] * 2]


def test_legacy(legacy: Outcome) -> None:
    assert legacy.summary == HANGS
