"""Six whole legacy scripts, unmodified, with the results of native Keras 2.15."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any, Optional

import pytest

from tests.deadlocks.fork_server import ForkServer
from tests.deadlocks.program import Program

pytest.importorskip("tensorflow")

pytestmark = pytest.mark.tensorflow

CLIENTS = Path(__file__).parent / "clients"
EXPECTED = json.loads((CLIENTS / "expected.json").read_text())
_LIMIT_S = 240.0


def result_of(script: Path, folder: Path, server: Optional[ForkServer] = None) -> Any:
    """What the script printed last; a server has imported Keras before it begins."""
    arguments = ["-m", "seq2data", "run", str(script)]
    # Its data stay in the folder; what is left of seq2data would be elsewhere.
    program = Program(folder, arguments, server, TMPDIR=str(folder))
    try:
        lines = program.finish(_LIMIT_S).succeed()
    finally:
        program.kill()
    lines = [line for line in lines if line.startswith("RESULT ")]
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
def test_script_gives_the_results_of_keras_2(
    name: str, server: ForkServer, tmp_path: Path
) -> None:
    assert_equal(result_of(CLIENTS / f"{name}.py", tmp_path, server), EXPECTED[name])


def test_textbook_script_gives_the_results_of_its_first_epoch(tmp_path: Path) -> None:
    """tensorflow#45962: with workers, Keras 2 calls `on_epoch_end` twice an epoch.

    The script shuffles there; called once, as here, it sees other batches from the
    second epoch on.
    """
    due = EXPECTED["textbook_sequence"]
    got = result_of(CLIENTS / "textbook_sequence.py", tmp_path)
    assert_equal(got["loss"][:1], due["loss"][:1])
    assert_equal(got["val_loss"][:1], due["val_loss"][:1])


@pytest.mark.filterwarnings("ignore:Do not pass an `input_shape`")  # Keras 3
@pytest.mark.usefixtures("patched")
def test_textbook_script_with_a_double_hook_gives_its_results(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In this process and in threads, so that Keras is not loaded by five others."""
    code = (CLIENTS / "textbook_sequence.py").read_text()
    assert code.count("use_multiprocessing=True") == 3
    code = code.replace("use_multiprocessing=True", "use_multiprocessing=False")
    for call in ("fit", "evaluate", "predict"):
        assert f"model.{call}_generator(" in code
    assert code.count("tf.random.set_seed(1)") == 1  # nothing depends on it
    code = code.replace("tf.random.set_seed(1)", "")
    code = code.replace("train = DataGenerator(", DOUBLE + "train = Twice(")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    exec(code, {"__name__": "__main__"})
    line = capsys.readouterr().out.splitlines()[-1]
    due = EXPECTED["textbook_sequence"]
    assert_equal(json.loads(line.removeprefix("RESULT ")), due)


DOUBLE = """
class Twice(DataGenerator):
    is_made = False

    def on_epoch_end(self):
        super().on_epoch_end()
        if self.is_made:
            super().on_epoch_end()
        self.is_made = True


"""
