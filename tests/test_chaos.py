"""A short run of the chaos benchmark: 300 faults, and nothing lost."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("tensorflow")

pytestmark = pytest.mark.tensorflow

_ROOT = Path(__file__).parents[1]


def test_nothing_is_lost_in_300_faults() -> None:
    seed = random.SystemRandom().randrange(10**6)
    command = [
        sys.executable,
        str(_ROOT / "benchmarks" / "bench_chaos.py"),
        *("--seconds", "30", "--faults", "300", "--seed", str(seed)),
    ]
    path = os.pathsep.join(filter(None, [str(_ROOT), *sys.path]))
    done = subprocess.run(
        command,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"seed {seed}\n{done.stderr}"
    row = json.loads(done.stdout.splitlines()[0])
    assert "error" not in row, f"seed {seed}\n{done.stderr}"
    assert row["faults"] >= 300
    assert row["seconds"] >= 30
    wrong = {"lost", "duplicated", "out_of_order", "made_up", "wrong_errors"}
    wrong |= {name for name in row if name.startswith("leaked_")}
    assert {name: row[name] for name in wrong} == dict.fromkeys(wrong, 0.0), row
