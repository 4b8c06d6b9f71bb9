"""`seq2data run` is to a script what `python` is, with the patches on."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Callable

import pytest

from tests.deadlocks.fork_server import ForkServer
from tests.deadlocks.program import Outcome, Program

pytest.importorskip("tensorflow")

pytestmark = pytest.mark.tensorflow

_LIMIT_S = 120.0

Run = Callable[..., Outcome]


@pytest.fixture
def run(server: ForkServer, tmp_path: Path) -> Iterator[Run]:
    """Runs `seq2data run` with these words, and returns what became of it.

    Keras is imported before, unless the interpreter is to be the program's own.
    """
    programs: list[Program] = []

    def run(*words: str, has_own: bool = False, **environment: str) -> Outcome:
        arguments = ["-m", "seq2data", "run", *words]
        forks = None if has_own else server
        programs.append(Program(tmp_path, arguments, forks, **environment))
        return programs[-1].finish(_LIMIT_S)

    yield run
    for program in programs:
        program.kill()


def write(path: Path, code: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(code)
    return path


def test_script_is_main_with_its_own_words(run: Run, tmp_path: Path) -> None:
    write(tmp_path / "scripts/beside.py", "name = 'a module beside the script'")
    script = write(
        tmp_path / "scripts/train.py",
        "import sys, beside, __main__\n"
        "print(__name__, sys.argv, beside.name)\n"
        "print(__file__ == sys.argv[0], __main__.__file__ == __file__)\n"
        "import keras\n"
        "print(hasattr(keras.Model, 'fit_generator'))\n",
    )
    done = run(str(script), "--epochs", "3", "-m", has_own=True)
    assert done.code == 0, done.errors
    assert done.lines == [
        f"__main__ {[str(script), '--epochs', '3', '-m']} a module beside the script",
        "True True",
        "True",
    ]


def test_module_is_main_and_imports_from_its_package(run: Run, tmp_path: Path) -> None:
    write(tmp_path / "legacy/__init__.py", "")
    write(tmp_path / "legacy/data.py", "name = 'relative'")
    code = "import sys\nfrom .data import name\nprint(__name__, name, sys.argv[1:])\n"
    write(tmp_path / "legacy/train.py", code)
    write(tmp_path / "legacy/__main__.py", code)
    for module in ("legacy.train", "legacy"):
        done = run("-m", module, "5")
        assert done.code == 0, done.errors
        assert done.lines == ["__main__ relative ['5']"]


@pytest.mark.parametrize(
    ("end", "code"), [("sys.exit(7)", 7), ("raise LookupError('gone')", 1), ("pass", 0)]
)
def test_exit_code_is_the_scripts(
    end: str, code: int, run: Run, tmp_path: Path
) -> None:
    script = write(tmp_path / "train.py", f"import sys\n{end}\n")
    assert run(str(script)).code == code


def test_ctrl_c_ends_it_as_a_script(run: Run, tmp_path: Path) -> None:
    script = write(tmp_path / "train.py", "raise KeyboardInterrupt\n")
    assert run(str(script)).code == -signal.SIGINT


def test_traceback_begins_in_the_script(run: Run, tmp_path: Path) -> None:
    script = write(tmp_path / "train.py", "def f():\n    raise LookupError('x')\nf()\n")
    done = run(str(script), has_own=True)
    lines = done.errors[done.errors.index("Traceback") :].splitlines()
    assert lines[1] == f'  File "{script}", line 3, in <module>'
    assert lines[-1] == "LookupError: x"
    assert "seq2data" not in "\n".join(lines)


def test_error_of_seq2data_has_its_traceback_too(run: Run, tmp_path: Path) -> None:
    code = "import seq2data\nseq2data.to_dataset([], workers=0)\n"
    script = write(tmp_path / "train.py", code)
    done = run(str(script))
    assert done.code == 1
    lines = done.errors[done.errors.index("Traceback") :].splitlines()
    assert lines[1] == f'  File "{script}", line 2, in <module>'
    assert lines[-1].startswith("seq2data.errors.SourceError: ")


def test_line_per_call_at_the_end(run: Run, tmp_path: Path) -> None:
    script = write(
        tmp_path / "train.py",
        """
import time
import keras, numpy as np


class Slow:
    def __len__(self):
        return 6

    def __getitem__(self, index):
        time.sleep(0.05)
        # Of smaller ones several are handed over at once, more than predicted on.
        return np.zeros((2, 20000), "float32"), np.zeros((2, 1), "float32")


model = keras.Sequential([keras.layers.Dense(1)])
model.compile("sgd", "mse")
model.fit_generator(Slow(), epochs=2, validation_data=Slow(), verbose=0)
model.predict_generator(Slow(), steps=4, workers=3)
model.fit(np.zeros((2, 20000)), np.zeros((2, 1)), verbose=0)
print("the script's last line")
""",
    )
    done = run(str(script))
    assert done.code == 0, done.errors
    assert done.lines == ["the script's last line"]
    line = r"seq2data {}: {} batches, (\d+) % of \d+\.\d s waiting for input, {}\n"
    fit = re.search(line.format("fit", r"12 \+ 12", "1 thread"), done.errors)
    assert fit, done.errors
    assert 0 < int(fit[1]) <= 100
    assert re.search(line.format("predict", "4", "3 threads"), done.errors)
    assert len(re.findall("^seq2data .* batches", done.errors, re.MULTILINE)) == 2


@pytest.mark.parametrize("words", [["no.py"], ["-m", "no_such"], ["-m", "no.such"]])
def test_what_is_not_there_is_named_at_once(words: list[str], run: Run) -> None:
    done = run(*words, has_own=True, PYTHONPROFILEIMPORTTIME="1")
    assert "| seq2data.tools.run" in re.sub(" +", " ", done.errors)
    assert "| tensorflow" not in re.sub(" +", " ", done.errors)
    assert done.code == 1
    assert f"there is no {'module' if '-m' in words else 'script'}" in done.errors
    assert f"`{words[-1]}`" in done.errors
