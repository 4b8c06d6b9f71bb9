"""Scripts of many kinds: what a worker reads is what plain indexing gives."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.mark.tensorflow
@pytest.mark.parametrize("program", ["wrappers", "weak_references"])
def test_every_kind_in_a_script_is_read_as_by_plain_indexing(
    program: str, start_method: str
) -> None:
    pytest.importorskip("joblib")
    path = HERE / f"program_with_{program}.py"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(path)],
        env={**os.environ, "SEQ2DATA_START_METHOD": start_method},
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.search(r"(\d+) kinds, wrong: (.*)", done.stdout)
    assert found is not None, done.stderr
    assert int(found[1]) > 10
    assert found[2] == "[]"
