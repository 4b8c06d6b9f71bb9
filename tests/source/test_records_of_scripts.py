"""Records that a script defines reach its datasets from worker processes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("tensorflow")

pytestmark = pytest.mark.tensorflow

SCRIPT = """
import collections, dataclasses, typing
import numpy as np
import seq2data

Pair = collections.namedtuple("Pair", "x y")

class Views(typing.NamedTuple):
    left: object
    right: object

class Swapped(Pair):
    def swapped(self):
        return Swapped(self.y, self.x)

@dataclasses.dataclass
class Sample:
    image: object
    label: object

class Source:
    def __len__(self):
        return 3

    def __getitem__(self, index):
        nested = Views(np.ones(2), Sample(Swapped(1, 2), index))
        return Pair(nested, np.full(3, index))

for index, batch in enumerate(seq2data.to_dataset(Source(), workers=2)):
    assert (type(batch), type(batch.x)) == (Pair, Views)
    sample = batch.x.right
    assert (sample._fields, int(sample.label)) == (("image", "label"), index)
    assert int(sample.image.swapped().x) == 2
print("as they are")
"""


def test_namedtuples_of_a_script_are_its_own(tmp_path: Path, start_method: str) -> None:
    del start_method  # in the environment
    script = tmp_path / "script.py"
    script.write_text(SCRIPT, encoding="utf-8")
    path = os.pathsep.join(filter(None, sys.path))
    done = subprocess.run(
        [sys.executable, str(script)],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "as they are\n", done.stderr
