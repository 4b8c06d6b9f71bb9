"""Code that a worker cannot import is sent along, and no other."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Any

import cloudpickle
import pytest

from seq2data.workers.payload.pickler import dumps
from seq2data.workers.program_state.importable import is_importable


def loaded(path: Path, name: str) -> Any:
    """A module of a file, under a name, as scripts load their plug-ins."""
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def plug_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    path = tmp_path / "plug_in.py"
    path.write_text(
        "import json\n"
        "FACTOR = 3\n"
        "def scale(x): return x * FACTOR\n"
        "class Reader:\n"
        "    def read(self): return json.dumps(scale(7))\n"
    )
    module = loaded(path, "plug_in")
    monkeypatch.setitem(sys.modules, "plug_in", module)
    return module


def read_elsewhere(data: bytes, folder: Path) -> str:
    """What `read` of a pickled object returns in a fresh interpreter."""
    code = "import pickle, sys; print(pickle.load(sys.stdin.buffer).read())"
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=data,
        cwd=folder,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode().strip()


def pickled(value: Any) -> bytes:
    return dumps(value, lambda _: True).data


def test_module_loaded_from_a_path_goes_along(plug_in: Any, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    assert not is_importable("plug_in")
    assert read_elsewhere(pickled(plug_in.Reader()), tmp_path / "other") == "21"


def test_module_that_can_be_imported_stays(
    plug_in: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    assert is_importable("plug_in")
    assert b"FACTOR" not in pickled(plug_in.Reader())


def test_namesake_is_not_taken_for_the_module(
    plug_in: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "plug_in.py").write_text("class Reader: pass")
    monkeypatch.syspath_prepend(str(tmp_path / "other"))
    assert not is_importable("plug_in")
    assert read_elsewhere(pickled(plug_in.Reader()), tmp_path / "other") == "21"


def test_cloudpickle_is_left_as_it_was(plug_in: Any) -> None:
    before = cloudpickle.list_registry_pickle_by_value()
    pickled(plug_in.Reader())
    assert cloudpickle.list_registry_pickle_by_value() == before
    with pytest.raises(TypeError):
        pickled([plug_in.Reader(), sys._getframe()])
    assert cloudpickle.list_registry_pickle_by_value() == before


def test_choice_of_the_user_stays(plug_in: Any) -> None:
    cloudpickle.register_pickle_by_value(plug_in)
    try:
        pickled(plug_in.Reader())
        assert "plug_in" in cloudpickle.list_registry_pickle_by_value()
    finally:
        cloudpickle.unregister_pickle_by_value(plug_in)
