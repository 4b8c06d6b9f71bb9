"""Six whole legacy scripts, unmodified, with the results of native Keras 2.15."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("tensorflow")

pytestmark = pytest.mark.tensorflow

CLIENTS = Path(__file__).parent / "clients"
EXPECTED = json.loads((CLIENTS / "expected.json").read_text())
ROOT = Path(__file__).parents[2]


def result_of(script: Path, folder: Path) -> Any:
    path = os.pathsep.join(filter(None, [str(ROOT), *sys.path]))
    done = subprocess.run(
        [sys.executable, "-m", "seq2data", "run", str(script)],
        env={**os.environ, "PYTHONPATH": path, "TMPDIR": str(folder)},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    return json.loads(lines[-1].removeprefix("RESULT "))


def assert_equal(got: Any, due: Any) -> None:
    """Numbers to 3 decimals."""
    if isinstance(due, dict):
        assert got.keys() == due.keys()
        for key in due:
            assert_equal(got[key], due[key])
    elif isinstance(due, list):
        assert len(got) == len(due)
        for one, other in zip(got, due):
            assert_equal(one, other)
    elif isinstance(due, float):
        assert got == pytest.approx(due, abs=6e-4)
    else:
        assert got == due


@pytest.mark.parametrize("name", sorted(set(EXPECTED) - {"textbook_sequence"}), ids=str)
def test_script_gives_the_results_of_keras_2(name: str, tmp_path: Path) -> None:
    assert_equal(result_of(CLIENTS / f"{name}.py", tmp_path), EXPECTED[name])


def test_textbook_script_gives_its_results_but_for_the_double_hook(
    tmp_path: Path,
) -> None:
    """tensorflow#45962: with workers, Keras 2 calls `on_epoch_end` twice an epoch.

    The script shuffles there; called once, as here, it sees other batches from the
    second epoch on. With a hook that does its work twice the results are Keras's. That
    is asked without processes, each of which would load Keras: batches are the same.
    """
    due = EXPECTED["textbook_sequence"]
    got = result_of(CLIENTS / "textbook_sequence.py", tmp_path)
    assert_equal(got["loss"][:1], due["loss"][:1])
    assert_equal(got["val_loss"][:1], due["val_loss"][:1])
    code = (CLIENTS / "textbook_sequence.py").read_text()
    assert code.count("use_multiprocessing=True") == 3
    code = code.replace("use_multiprocessing=True", "use_multiprocessing=False")
    for call in ("fit", "evaluate", "predict"):
        assert f"model.{call}_generator(" in code
    twice = tmp_path / "twice.py"
    twice.write_text(code.replace("train = DataGenerator(", DOUBLE + "train = Twice("))
    assert_equal(result_of(twice, tmp_path), due)


DOUBLE = """
class Twice(DataGenerator):
    is_made = False

    def on_epoch_end(self):
        super().on_epoch_end()
        if self.is_made:
            super().on_epoch_end()
        self.is_made = True


"""
