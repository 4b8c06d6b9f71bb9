"""Scripts of many kinds: what a worker reads is what plain indexing gives."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
NEEDED = {"wrappers": "joblib", "numba": "numba"}


def assert_all_right(program: str, *arguments: str, start_method: str = "fork") -> None:
    """Runs a program that counts its kinds, and names those that are wrong."""
    if program in NEEDED:
        pytest.importorskip(NEEDED[program])
    path = HERE / f"program_with_{program}.py"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(path), *arguments],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, sys.path)]),
            "SEQ2DATA_START_METHOD": start_method,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.search(r"(\d+) kinds, wrong: (.*)", done.stdout)
    assert found is not None, done.stderr
    assert int(found[1]) > 7
    assert found[2] in ("[]", "{}")


@pytest.mark.tensorflow
@pytest.mark.parametrize("program", ["wrappers", "weak_references"])
def test_every_kind_in_a_script_is_read_as_by_plain_indexing(
    program: str, start_method: str
) -> None:
    assert_all_right(program, start_method=start_method)


@pytest.mark.parametrize(
    "program",
    ["caches", "classes", "enumerations", "numba", "proxies", "references"],
)
def test_every_kind_alone_is_read_as_by_plain_indexing(
    program: str, start_method: str
) -> None:
    assert_all_right(program, start_method)
