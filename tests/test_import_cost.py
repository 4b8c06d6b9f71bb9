from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import seq2data

ROOT = Path(seq2data.__file__).parents[1]
FRAMEWORKS = {"tensorflow", "keras"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Stand-ins: whoever imports them is caught, also where neither is installed."""
    for name in FRAMEWORKS:
        (tmp_path / f"{name}.py").touch()
    return tmp_path


def loaded_by(module: str, folder: Path) -> set[str]:
    """Frameworks that a fresh interpreter has after importing `module`."""
    code = f"import sys, {module}; print(*({FRAMEWORKS!r} & set(sys.modules)))"
    path = os.pathsep.join([str(folder), str(ROOT)])
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": path},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "module",
    [
        "seq2data",
        "seq2data.workers.processes.pool",
        "seq2data.workers.threads.pool",
        "seq2data.workers.child.fork_server",
        "seq2data.train.patching.restored_names",
        "seq2data.tools.cli",
    ],
)
def test_import_leaves_tensorflow_and_keras_unloaded(module: str, folder: Path) -> None:
    assert loaded_by(module, folder) == set()


@pytest.mark.parametrize("framework", sorted(FRAMEWORKS))
def test_import_of_a_framework_far_down_is_noticed(
    framework: str, folder: Path
) -> None:
    (folder / "outer.py").write_text("import seq2data, inner\n")
    (folder / "inner.py").write_text(
        f"try:\n    import {framework}\nexcept ImportError:\n    pass\n"
    )
    assert loaded_by("outer", folder) == {framework}
