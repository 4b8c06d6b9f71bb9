"""A script without a main guard, with workers that are started afresh (spawn).

keras#10340: every worker runs the script again, and fails where that would start
workers of its own. Keras 3's pool starts others without end; Keras 2 waits.
"""

from __future__ import annotations

from pathlib import Path
from typing import Callable

import pytest

from tests.deadlocks.program import HANGS, Outcome, Program

OURS = """
print("the script begins")

import numpy as np
import seq2data

class Photos:  # only this script has it, so nobody can import it
    def __len__(self):
        return 12

    def __getitem__(self, index):
        return np.full((2, 1), index, np.float32), np.zeros((2, 1), np.float32)

dataset = seq2data.to_dataset(Photos(), workers=2)
print([int(x[0, 0]) for x, _ in dataset])
print("every batch once, and the script ran once")
"""

LEGACY = """
print("the script begins")

import multiprocessing
import numpy as np
from tensorflow import keras

IS_OLD = not hasattr(keras.utils, "PyDataset")

class Photos(keras.utils.Sequence if IS_OLD else keras.utils.PyDataset):
    def __len__(self):
        return 12

    def __getitem__(self, index):
        return np.full((2, 1), index, np.float32), np.zeros((2, 1), np.float32)

multiprocessing.set_start_method("spawn", force=True)
model = keras.Sequential([keras.layers.Dense(1)])
model.compile(loss="mse")
pool = {"workers": 2, "use_multiprocessing": True}
print("the fit begins")
if IS_OLD:
    model.fit(Photos(), verbose=0, **pool)
else:
    model.fit(Photos(**pool), verbose=0)
print("ends")
"""
# Counts from the fit on; every start of a worker imports TensorFlow first.
LEGACY_S = 35.0

Record = Callable[[str, Outcome], None]


@pytest.mark.parametrize(
    ("kind", "method"), [("file", "exec"), ("interactive", "fork")]
)
def test_script_runs_once(
    kind: str, method: str, tmp_path: Path, record: Record
) -> None:
    arguments = ["-c", OURS]
    if kind == "file":
        (tmp_path / "script.py").write_text(OURS)
        arguments = ["script.py"]
    program = Program(tmp_path, arguments, SEQ2DATA_START_METHOD=method)
    outcome = program.finish(120.0)
    record("seq2data", outcome)
    assert outcome.succeed() == [
        "the script begins",
        str(list(range(12))),
        "every batch once, and the script ran once",
    ]


def test_legacy(tmp_path: Path, record: Record) -> None:
    (tmp_path / "script.py").write_text(LEGACY)
    program = Program(tmp_path, ["script.py"])
    program.wait_for_line("the fit begins")
    outcome = program.finish(LEGACY_S)
    record("legacy", outcome)
    assert outcome.summary == HANGS
    # One is the script itself; how many workers follow is a matter of patience.
    assert outcome.lines.count("the script begins") > 1
