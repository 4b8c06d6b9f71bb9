"""What the program has set in the user's modules is there wherever batches are read."""

from __future__ import annotations

import argparse
import functools
import os
import signal
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any, Callable

import numpy as np
import pytest

from tests.contract.program import config, hidden, other, sources
from tests.contract.program.main import Three, timed
from tests.oracle import assert_yields

pytest.importorskip("tensorflow")

from seq2data import to_dataset  # needs TensorFlow

pytestmark = pytest.mark.tensorflow

Change = Callable[[pytest.MonkeyPatch], object]


def _set(owner: Any, **values: Any) -> Change:
    def change(patch: pytest.MonkeyPatch) -> None:
        for name, value in values.items():
            patch.setattr(owner, name, value, raising=False)

    return change


def _set_item(container: Any, key: Any, value: Any) -> Change:
    return lambda patch: patch.setitem(container, key, value)


def _extend(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(config, "SEEN", set(config.SEEN) | {7})
    config.NAMES.append("b")


def _decorate_again(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(config, "replaced", timed(config.replaced))
    patch.setattr(config, "decorated", timed(config.decorated))


def _wrap_method(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(config.Settings, "value", timed(config.Settings.value))
    patch.setattr(config.Settings, "fixed", staticmethod(lambda: 9))


CASES: dict[str, tuple[type, Change]] = {
    "number": (sources.Scale, _set(config, SCALE=100)),
    "number under a computed name": (sources.ByName, _set(config, SCALE=7)),
    "number behind a lock": (sources.Locked, _set(config, SCALE=8)),
    "another type": (sources.Scale, _set(config, SCALE=np.float64(2.5))),
    "item of a dict": (sources.Table, _set_item(config.TABLE, "offset", 7)),
    "item inside of a dict": (
        sources.Table,
        _set_item(config.TABLE["inner"], "deep", [1, 2]),
    ),
    "dict that is replaced": (
        sources.Table,
        _set(config, TABLE={"offset": 1, "inner": {"deep": [5]}}),
    ),
    "dict that is a default argument": (
        sources.Default,
        _set_item(config.TABLE, "offset", 3),
    ),
    "list in a closure": (sources.Closure, _extend),
    "name imported from another module": (
        sources.Alias,
        _set_item(config.TABLE, "offset", 4),
    ),
    "name set where it is imported to": (sources.Alias, _set(other, SCALE=5, LEVEL=6)),
    "function replaced by a lambda": (
        sources.Function,
        _set(config, replaced=lambda: 5000),
    ),
    "function replaced by one of another module": (
        sources.Function,
        _set(config, offset=other.offset),
    ),
    "function decorated by the program": (sources.Function, _decorate_again),
    "function replaced by a partial": (
        sources.Function,
        _set(config, replaced=functools.partial(int, "11")),
    ),
    "function replaced by a callable object": (
        sources.Function,
        _set(config, replaced=Three()),
    ),
    "class attribute": (sources.ClassAttribute, _set(config.Settings, factor=9)),
    "table of a class": (
        sources.ClassAttribute,
        _set_item(config.Settings.table, "offset", 5),
    ),
    "attribute of the source's class": (sources.Own, _set(sources.Own, gain=12)),
    "attribute of its base": (sources.Derived, _set(sources.Own, gain=13)),
    "attribute of its own for a class": (
        sources.Derived,
        _set(sources.Derived, gain=14),
    ),
    "methods": (sources.Methods, _wrap_method),
    "instance": (sources.Instance, _set(config.SETTINGS, bias=6)),
    "parsed arguments": (
        sources.Arguments,
        _set(config, ARGS=argparse.Namespace(width=3, height=4)),
    ),
    "array": (sources.Weights, _set(config, WEIGHTS=np.ones((400, 400)))),
    "name that the module has not": (sources.Added, _set(config, ADDED=21)),
    "member of an Enum": (sources.Member, _set(config, KIND=config.Kind.LARGE)),
    "module imported in a function": (sources.LocalImport, _set(hidden, LEVEL=4)),
    "module imported by its name": (sources.ImportedByName, _set(hidden, LEVEL=5)),
    "module that the source holds": (sources.HeldModule, _set(config, SCALE=31)),
    "function that the source holds": (
        sources.HeldFunction,
        _set(config, replaced=lambda: 1),
    ),
}


# Those that read in this process have its modules.
IN_ALL_MODES = [
    "number",
    "item of a dict",
    "function decorated by the program",
    "class attribute",
    "module imported in a function",
]


def _check(case: str, mode: dict[str, Any], patch: pytest.MonkeyPatch) -> None:
    kind, change = CASES[case]
    names = list(config.NAMES)
    try:
        change(patch)
        assert_yields(to_dataset(kind(), **mode), kind())
    finally:
        config.NAMES[:] = names


@pytest.mark.parametrize("case", CASES)
def test_module_is_in_a_process_as_the_program_has_set_it(
    case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _check(case, {"workers": 1}, monkeypatch)


@pytest.mark.parametrize("case", IN_ALL_MODES)
def test_module_is_the_same_in_all_ways_of_reading(
    case: str, mode: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    _check(case, mode, monkeypatch)


def test_changes_and_their_end_arrive_with_the_next_epoch(mode: dict[str, Any]) -> None:
    source = sources.Function()
    dataset = to_dataset(source, **mode)
    assert_yields(dataset, source)
    with pytest.MonkeyPatch.context() as patch:
        _decorate_again(patch)
        patch.setitem(config.TABLE, "offset", 8)
        assert_yields(dataset, source)
    assert_yields(dataset, source)


def test_class_attribute_and_array_follow_between_epochs(
    mode: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = np.ones((300, 300))
    monkeypatch.setattr(config, "WEIGHTS", weights)
    source = sources.Weights()
    dataset = to_dataset(source, **mode)
    for value in 1.0, 2.0, 2.0, 3.0:
        weights[0, 0] = value
        assert_yields(dataset, source)


def test_replaced_worker_has_the_state_too(
    start_method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(config, "SCALE", 41)
    monkeypatch.setattr(config, "replaced", _killing(tmp_path / "killed"))
    source = sources.HeldModule()
    source.module = config
    got = [batch.numpy() for batch in to_dataset(_Dying(), workers=2)]
    assert (tmp_path / "killed").exists()
    np.testing.assert_array_equal(np.array(got)[:, 0], [41, 41, 41, 41, 41, 41])


def _killing(marker: Path) -> Callable[[], int]:
    def kill_once() -> int:
        if not marker.exists():
            marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return 0

    return kill_once


class _Dying:
    def __len__(self) -> int:
        return 6

    def __getitem__(self, index: int) -> np.ndarray:
        if index == 3:
            config.replaced()
        return np.array([config.SCALE, index])


def test_value_that_cannot_be_sent_is_named_where_import_does_not_make_it(
    start_method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(config, "HANDLE", _endless())
    next(config.HANDLE)
    match = r"config\.HANDLE.*`builtins\.generator`"
    with pytest.warns(RuntimeWarning, match=match) as warned:
        got = [int(batch[0]) for batch in to_dataset(sources.Handle(), workers=2)]
    assert got == [0, 1, 2, 3]  # what the module's import gives
    assert [warning.filename for warning in warned] == [__file__]


def _endless() -> Any:
    while True:
        yield 1


def test_value_that_nobody_refers_to_is_not_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    generator = _endless()
    next(generator)
    monkeypatch.setattr(config, "HANDLE", generator)
    source = sources.Scale()
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        assert_yields(to_dataset(source, workers=1), source)


def test_heavy_modules_are_not_imported_for_it(tmp_path: Path) -> None:
    (tmp_path / "heavy.py").write_text("import tensorflow\nFLAG = 1\n")
    (tmp_path / "light.py").write_text(
        "import sys\nimport numpy as np\nFACTOR = 1\n"
        "def train():\n    import heavy\n    return heavy.FLAG\n"
        "class Light:\n    def __len__(self): return 3\n"
        "    def __getitem__(self, index):\n"
        "        return np.array([FACTOR, 'tensorflow' in sys.modules])\n"
    )
    (tmp_path / "main.py").write_text(
        "import heavy, light, seq2data\nlight.FACTOR = 6\nheavy.FLAG = 2\n"
        "print([b.numpy().tolist() for b in seq2data.to_dataset(light.Light(), "
        "workers=1)])\n"
    )
    assert _printed_by(tmp_path / "main.py") == "[[6, 0], [6, 0], [6, 0]]"


def test_module_of_a_lambda_is_not_imported_for_it(tmp_path: Path) -> None:
    (tmp_path / "heavy.py").write_text(
        "import sys\nimport numpy as np\nimport tensorflow\nFACTOR = 1\n"
        "def loader():\n"
        "    return lambda x: np.array([x * FACTOR, 'tensorflow' in sys.modules])\n"
    )
    (tmp_path / "main.py").write_text(
        "import heavy, seq2data\nheavy.FACTOR = 5\n"
        "print([b.numpy().tolist() for b in seq2data.to_dataset([1, 2], "
        "transform=heavy.loader(), workers=1)])\n"
    )
    assert _printed_by(tmp_path / "main.py") == "[[5, 0], [10, 0]]"


def test_implementations_of_a_single_dispatch_that_the_program_adds(
    tmp_path: Path, start_method: str
) -> None:
    (tmp_path / "own.py").write_text(
        "import functools\nimport numpy as np\n"
        "@functools.singledispatch\ndef size(value): return 0\n"
        "@size.register\ndef _(value: int): return 1\n"
        "class Sizes:\n    def __len__(self): return 2\n"
        "    def __getitem__(self, index):\n"
        "        return np.array([size(index), size('text'), size(0.5)])\n"
    )
    (tmp_path / "main.py").write_text(
        "import own, seq2data\n"
        "own.size.register(str, len)\n"
        "dataset = seq2data.to_dataset(own.Sizes(), workers=1)\n"
        "first = [b.numpy().tolist() for b in dataset]\n"
        "@own.size.register\ndef half(value: float): return 7\n"
        "print(first, [b.numpy().tolist() for b in dataset])\n"
    )
    printed = _printed_by(tmp_path / "main.py")
    assert printed == "[[1, 4, 0], [1, 4, 0]] [[1, 4, 7], [1, 4, 7]]"


def test_default_arguments_are_replaced_between_epochs(mode: dict[str, Any]) -> None:
    source = sources.Scaled()
    dataset = to_dataset(source, **mode)
    assert_yields(dataset, source)
    with pytest.MonkeyPatch.context() as patch:
        for defaults in ({"offset": 11}, 2), ({"offset": 12}, 3), (None, 4):
            patch.setattr(config.scaled_offset, "__defaults__", defaults)
            assert_yields(dataset, source)
    assert_yields(dataset, source)


def test_modules_beside_the_source_in_a_package_are_not_imported(
    tmp_path: Path,
) -> None:
    package = tmp_path / "package"
    (package / "inner").mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "inner" / "__init__.py").touch()
    (package / "models.py").write_text("import tensorflow\nFLAG = 1\n")
    (package / "inner" / "more.py").write_text("import tensorflow\nFLAG = 1\n")
    (package / "data.py").write_text(
        "import sys\nimport numpy as np\nFACTOR = 1\n"
        "class Data:\n    def __len__(self): return 2\n"
        "    def __getitem__(self, index):\n"
        "        return np.array([FACTOR, 'tensorflow' in sys.modules])\n"
    )
    (tmp_path / "main.py").write_text(
        "import package.models, package.inner.more, package.data as data, seq2data\n"
        "data.FACTOR = 3\n"
        "print([b.numpy().tolist() for b in seq2data.to_dataset(data.Data(), "
        "workers=1)])\n"
    )
    assert _printed_by(tmp_path / "main.py") == "[[3, 0], [3, 0]]"


def _printed_by(script: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(script)],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()
