from __future__ import annotations

import argparse
import os
import subprocess
import sys

import pytest

import seq2data
from seq2data.errors import SourceError
from seq2data.tools import cli, demo


def test_version_is_the_packages(capsys):
    with pytest.raises(SystemExit) as exit_info:
        cli.main(["--version"])
    assert exit_info.value.code == 0
    assert capsys.readouterr().out == f"seq2data {seq2data.__version__}\n"


def test_help_names_every_command(capsys):
    with pytest.raises(SystemExit) as exit_info:
        cli.main(["--help"])
    assert exit_info.value.code == 0
    assert "demo" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("argv", "fact"),
    [
        ([], "COMMAND"),
        (["train"], "train"),
        (["demo", "--crops", "0"], "1 or more"),
        (["demo", "--crops", "many"], "'many'"),
        (["demo", "--workers", "-1"], "--workers"),
    ],
)
def test_wrong_command_line_is_refused_with_its_reason(argv, fact, capsys):
    with pytest.raises(SystemExit) as exit_info:
        cli.main(argv)
    assert exit_info.value.code == 2
    assert fact in capsys.readouterr().err


def test_command_gets_its_arguments_and_gives_the_exit_code(monkeypatch):
    received = []

    def run(arguments: argparse.Namespace) -> int:
        received.append((arguments.crops, arguments.workers))
        return 7

    monkeypatch.setattr(demo, "run", run)
    assert cli.main(["demo", "--crops", "32", "--workers", "0"]) == 7
    assert received == [(32, 0)]


def test_own_error_is_one_message_and_exit_code_1(monkeypatch, capsys):
    def run(arguments: argparse.Namespace) -> int:
        raise SourceError("the `source` is empty")

    monkeypatch.setattr(demo, "run", run)
    assert cli.main(["demo"]) == 1
    assert capsys.readouterr().err == "seq2data demo: the `source` is empty\n"


def test_foreign_error_keeps_its_traceback(monkeypatch):
    def run(arguments: argparse.Namespace) -> int:
        raise OSError("disk full")

    monkeypatch.setattr(demo, "run", run)
    with pytest.raises(OSError, match="disk full"):
        cli.main(["demo"])


def run_python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        check=False,
    )


def test_package_runs_as_the_command():
    done = run_python("-m", "seq2data", "--version")
    assert (done.returncode, done.stdout) == (0, f"seq2data {seq2data.__version__}\n")


def test_parsing_a_command_line_loads_nothing_heavy():
    done = run_python(
        "-c",
        "import sys; from seq2data.tools import cli; cli._parser();"
        "print([m for m in ('tensorflow', 'keras', 'sklearn', 'PIL', 'numpy')"
        " if m in sys.modules])",
    )
    assert (done.returncode, done.stdout) == (0, "[]\n")
