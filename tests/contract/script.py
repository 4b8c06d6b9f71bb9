"""Runs Python code in a process of its own, for what could hang or crash the tests."""

from __future__ import annotations

import os
import subprocess
import sys

# A hang, on a machine that does three other things at once.
_PATIENCE_S = 40.0


def run_script(code: str) -> subprocess.CompletedProcess[str]:
    """What became of it; code 124 where it had to be ended."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-c", code]
    with subprocess.Popen(
        command,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            out, err = process.communicate(timeout=_PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            return subprocess.CompletedProcess(command, 124, out, f"it hung\n{err}")
    return subprocess.CompletedProcess(command, process.returncode, out, err)
