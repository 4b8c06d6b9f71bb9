"""A notebook whose Sequence is defined in a cell trains with worker processes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("tensorflow")
pytest.importorskip("nbclient")
nbformat = pytest.importorskip("nbformat")

pytestmark = pytest.mark.tensorflow

ROOT = Path(__file__).parents[1]

CELLS = [
    """
import functools
import os

import numpy as np
import tensorflow as tf

import seq2data

SCALE = 2.0


@functools.lru_cache
def row(width):
    return np.ones(width, np.float32)


def scaled(index):
    return np.tile(SCALE * index * row(3), (4, 1))


class Numbered(tf.keras.utils.Sequence):
    def __init__(self, count):
        self.count = count

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        return scaled(index), np.full((4, 1), os.getpid(), np.float32)
""",
    """
batches = list(seq2data.to_dataset(Numbered(6), workers=2))
values = [float(x[0, 0]) for x, _ in batches]
readers = {int(y[0, 0]) for _, y in batches}
""",
    # The class again, changed, as one does in notebooks.
    """
SCALE = 3.0


class Numbered(Numbered):
    def __getitem__(self, index):
        return scaled(index), np.zeros((4, 1), np.float32)


model = tf.keras.Sequential([tf.keras.layers.Dense(1)])
model.compile("sgd", "mse")
history = seq2data.fit_generator(
    model, Numbered(6), epochs=2, workers=2, use_multiprocessing=True, verbose=0
)
again = [float(x[0, 0]) for x, _ in seq2data.to_dataset(Numbered(3), workers=2)]
print(values, os.getpid() in readers, len(history.history["loss"]), again)
""",
]


# In a process of its own: the client leaves its event loop open.
RUN = """
import sys, nbclient, nbformat
notebook = nbformat.read(sys.argv[1], 4)
nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
for output in notebook.cells[-1].outputs:
    if output.get("name") == "stdout":
        print(output.text, end="")
"""


def test_sequence_of_a_cell_is_read_by_processes(tmp_path: Path) -> None:
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS]
    )
    path = tmp_path / "train.ipynb"
    nbformat.write(notebook, path)
    imported = os.pathsep.join(filter(None, [str(ROOT), *sys.path]))
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(path)],
        env={**os.environ, "PYTHONPATH": imported},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    values = [2.0 * index for index in range(6)]
    assert done.stdout == f"{values} False 2 [0.0, 3.0, 6.0]\n"
