"""The one-way rule: a stage imports only stages before it, and the root modules."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Optional

import pytest

import seq2data

PACKAGE = Path(seq2data.__file__).parent
STAGES = ["source", "plan", "workers", "pipeline", "train", "tools"]
ROOTS = ["errors", "exception_text", "options"]
# `python -m seq2data` is the command.
COMMAND = "__main__"
WITHOUT_TENSORFLOW = ["source", "plan", "workers", "", *ROOTS]
FRAMEWORKS = ["tensorflow", "keras", "tf_keras"]
FILES = [str(path.relative_to(PACKAGE)) for path in sorted(PACKAGE.rglob("*.py"))]


def layer_of(file: str) -> str:
    """A stage, a root module, or "" for the package's own `__init__`."""
    first = Path(file).parts[0]
    if first == f"{COMMAND}.py":
        return "tools"
    return "" if first == "__init__.py" else first.removesuffix(".py")


def imports(node: ast.AST, *, anywhere: bool) -> Iterator[str]:
    """Dotted names that are imported, with what is taken `from` them."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (alias.name for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            origin = "." * child.level + (child.module or "")
            yield from (f"{origin}.{alias.name}" for alias in child.names)
        elif anywhere or not _runs_later(child):
            yield from _imported_by_call(child)
            yield from imports(child, anywhere=anywhere)


def _runs_later(node: ast.AST) -> bool:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
    is_for_types = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(
        node.test
    )
    return isinstance(node, kinds) or is_for_types


def _imported_by_call(node: ast.AST) -> Iterator[str]:
    """`importlib.import_module("x")`, `__import__("x")`, `require("x", ...)`."""
    if not isinstance(node, ast.Call) or not node.args:
        return
    called = ast.unparse(node.func).rpartition(".")[2]
    name = node.args[0]
    if called in ("import_module", "__import__", "require") and isinstance(
        name, ast.Constant
    ):
        yield str(name.value)


def violations(file: str, code: str) -> list[str]:
    layer = layer_of(file)
    tree = ast.parse(code)
    stages_only_in_functions = layer == "" or layer in ROOTS
    found = []
    for name in imports(tree, anywhere=True):
        if name.split(".")[0] in FRAMEWORKS and layer in WITHOUT_TENSORFLOW:
            found.append(f"{file}: {name}")
    for name in imports(tree, anywhere=not stages_only_in_functions):
        target = _target(name)
        if target is not None and target not in _allowed(layer):
            found.append(f"{file}: {name}")
    return found


def _target(name: str) -> Optional[str]:
    """The layer that an import reaches into; None outside of seq2data."""
    first, _, rest = name.partition(".")
    if first == "":
        return name  # relative: nobody knows where it leads
    if first != "seq2data":
        return None
    second = rest.split(".")[0]
    return second if second in STAGES + ROOTS else ""


def _allowed(layer: str) -> list[str]:
    if layer not in STAGES:
        return ROOTS
    # The last stage is a user of the package, and may use its public names.
    public = [""] if layer == STAGES[-1] else []
    return ROOTS + STAGES[: STAGES.index(layer) + 1] + public


def test_folders_are_the_stages() -> None:
    folders = {Path(file).parts[0] for file in FILES if len(Path(file).parts) > 1}
    assert folders == set(STAGES)


def test_modules_outside_of_the_folders_are_the_roots() -> None:
    modules = {Path(file).stem for file in FILES if len(Path(file).parts) == 1}
    assert modules == {"__init__", COMMAND, *ROOTS}


@pytest.mark.parametrize("file", FILES)
def test_module_imports_only_what_stands_before_it(file: str) -> None:
    assert violations(file, (PACKAGE / file).read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("file", "code"),
    [
        ("source/spec.py", "from seq2data.plan.epochs import Plan"),
        ("source/spec.py", "from seq2data import plan"),
        ("source/spec.py", "import seq2data.workers.processes.pool as pool"),
        ("source/spec.py", "from ..plan import epochs"),
        ("source/spec.py", "from seq2data import to_dataset"),
        ("plan/epochs.py", "def f():\n    import seq2data.tools.cli"),
        ("workers/processes/pool.py", "import seq2data"),
        ("workers/transport/heap.py", "from seq2data.pipeline import bridge"),
        ("pipeline/dataset.py", "from seq2data.tools import cli"),
        ("errors.py", "from seq2data.source.spec import BatchSpec"),
        ("options.py", "try:\n    import seq2data.plan\nexcept ImportError:\n    pass"),
        ("__init__.py", "from seq2data.pipeline.dataset import to_dataset"),
        ("__init__.py", "class A:\n    import seq2data.workers.processes.pool"),
        ("options.py", "import tensorflow as tf"),
        ("__init__.py", "def __getattr__(name):\n    import keras"),
        ("source/adapt.py", "def f():\n    from tensorflow.keras import utils"),
        ("plan/seeds.py", "if TYPE_CHECKING:\n    import tf_keras"),
        (
            "workers/child/worker.py",
            "import importlib\nimportlib.import_module('tensorflow')",
        ),
        ("workers/child/worker.py", "f = lambda: __import__('keras.utils')"),
    ],
)
def test_made_up_violation_is_found(file: str, code: str) -> None:
    assert len(violations(file, code)) == 1


@pytest.mark.parametrize(
    ("file", "code"),
    [
        ("source/spec.py", "from seq2data.errors import BatchError"),
        ("source/spec.py", "from seq2data.source.structure import Structure"),
        ("workers/processes/pool.py", "from seq2data.plan import seeds\nimport sys"),
        ("workers/processes/pool.py", "tf = sys.modules.get('tensorflow')"),
        ("pipeline/dataset.py", "import tensorflow as tf"),
        ("tools/cli.py", "import seq2data\nimport keras"),
        ("__main__.py", "from seq2data.tools.cli import main"),
        ("__init__.py", "def __getattr__(name):\n    import seq2data.pipeline.wrap"),
        ("__init__.py", "if TYPE_CHECKING:\n    import seq2data.pipeline.wrap"),
    ],
)
def test_import_of_what_stands_before_is_no_violation(file: str, code: str) -> None:
    assert violations(file, code) == []
