"""Run an unmodified legacy script on the Keras that is installed.

The script is `__main__`, with its own `sys.argv` and `sys.path`, as under `python`; its
tracebacks begin in it. At its end a line for each `fit`, `evaluate` and `predict` that
read a legacy source says how many batches it took, and how long it waited for them.
"""

from __future__ import annotations

import argparse
import importlib.util
import logging
import os
import sys
from importlib.machinery import ModuleSpec
from logging.handlers import MemoryHandler
from pathlib import Path
from types import CodeType, ModuleType, TracebackType
from typing import Optional

import seq2data
from seq2data.errors import Seq2DataError, SourceError

# Of a script that trains in a loop, lines come out by the thousand.
_MOST_CALLS = 1000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's arguments."""
    parser.usage = (
        "seq2data run SCRIPT [ARGUMENT ...]\n       seq2data run -m MODULE ..."
    )
    parser.add_argument("-m", dest="is_module", action="store_true", help="a module")
    parser.add_argument("script", help="the script, or the module's name")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="the script's own")


def run(arguments: argparse.Namespace) -> int:
    """Runs the script; its exit code is that of the process.

    Raises:
        SourceError: There is no such script or module.
    """
    if arguments.is_module:
        sys.path[0] = os.getcwd()
        _assert_is_there(arguments.script)
        seq2data.patch_keras()  # finding a module imports the packages that it is in
        spec = _spec_of(arguments.script)
        path = str(spec.origin)
        code = _code_of(path)
    else:
        spec, path = None, arguments.script
        sys.path[0] = os.path.dirname(os.path.abspath(path))
        code = _code_of(path)
        seq2data.patch_keras()
    _show_calls_at_exit()
    sys.argv = [path, *arguments.arguments]
    sys.excepthook = _show
    try:
        _execute(code, path, spec)
    except Seq2DataError as error:  # the script's, and none of this command's
        sys.excepthook(type(error), error, error.__traceback__)
        return 1
    return 0


def _assert_is_there(name: str) -> None:
    """Says so at once, for the patches need Keras, which takes seconds to import."""
    if importlib.util.find_spec(name.partition(".")[0]) is None:
        raise SourceError(f"there is no module `{name}`")


def _spec_of(name: str) -> ModuleSpec:
    try:
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.submodule_search_locations is not None:
            spec = importlib.util.find_spec(f"{name}.__main__")
    except ModuleNotFoundError as error:
        raise SourceError(f"there is no module `{name}`: {error}") from None
    if spec is None or spec.origin is None:
        raise SourceError(f"there is no module `{name}` that can be run")
    return spec


def _code_of(path: str) -> CodeType:
    try:
        return compile(Path(path).read_bytes(), path, "exec", dont_inherit=True)
    except OSError as error:
        raise SourceError(f"there is no script `{path}`: {error.strerror}") from None


def _execute(code: CodeType, path: str, spec: Optional[ModuleSpec]) -> None:
    main = ModuleType("__main__")
    main.__file__ = path
    if spec is not None:
        main.__spec__ = spec
        main.__package__ = spec.parent
    sys.modules["__main__"] = main
    exec(code, vars(main))


def _show_calls_at_exit() -> None:
    """On stderr, when `logging` shuts down: the script's stdout is its own."""
    shown = logging.StreamHandler()
    shown.setFormatter(logging.Formatter("seq2data %(message)s"))
    logger = logging.getLogger("seq2data")
    logger.setLevel(logging.INFO)
    logger.propagate = False  # the script's own handlers are for its own lines
    logger.addHandler(MemoryHandler(_MOST_CALLS, logging.CRITICAL, shown))


def _show(
    kind: type[BaseException], error: BaseException, traceback: Optional[TracebackType]
) -> None:
    """As Python does, from the script's first frame on."""
    start = traceback
    while start is not None and not _is_the_scripts(start):
        start = start.tb_next
    shown = start or traceback
    sys.__excepthook__(kind, error.with_traceback(shown), shown)


def _is_the_scripts(traceback: TracebackType) -> bool:
    return traceback.tb_frame.f_globals.get("__name__") == "__main__" and (
        traceback.tb_frame.f_globals is vars(sys.modules["__main__"])
    )
