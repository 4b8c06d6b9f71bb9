"""Runs an unmodified legacy script on the installed Keras.

The script is `__main__`, with its own `sys.argv` and `sys.path`, as under `python`. Its
tracebacks begin in it. At the end there is a line for each `fit`, `evaluate` and
`predict` that read a legacy source: how many batches it read, and how long it waited.
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

# Enough for all but scripts that train in a loop; more lines are printed early.
_MOST_CALLS = 1000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of `seq2data run`."""
    parser.usage = (
        "seq2data run SCRIPT [ARGUMENT ...]\n       seq2data run -m MODULE ..."
    )
    parser.add_argument(
        "-m", dest="is_module", action="store_true", help="run a module by its name"
    )
    parser.add_argument("script", help="the script's file, or the module's name")
    parser.add_argument(
        "arguments", nargs=argparse.REMAINDER, help="arguments for the script"
    )


def run(arguments: argparse.Namespace) -> int:
    """Runs the script; the process ends with the script's exit code.

    Raises:
        SourceError: There is no such script or module.
    """
    if arguments.is_module:
        sys.path[0] = os.getcwd()
        _check_exists(arguments.script)
        seq2data.patch_keras()  # before `find_spec`, which imports the module's package
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
    except Seq2DataError as error:  # raised in the script, not by this command
        sys.excepthook(type(error), error, error.__traceback__)
        return 1
    return 0


def _check_exists(name: str) -> None:
    """Refuses a missing module before Keras is imported, which takes seconds."""
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
    """Prints the lines of all calls to stderr when `logging` shuts down."""
    shown = logging.StreamHandler()
    shown.setFormatter(logging.Formatter("seq2data %(message)s"))
    logger = logging.getLogger("seq2data")
    logger.setLevel(logging.INFO)
    logger.propagate = False  # handlers of the script must not print these lines
    logger.addHandler(MemoryHandler(_MOST_CALLS, logging.CRITICAL, shown))


def _show(
    kind: type[BaseException], error: BaseException, traceback: Optional[TracebackType]
) -> None:
    """Prints an exception as Python does, from the script's first frame on."""
    start = traceback
    while start is not None and not _is_the_scripts(start):
        start = start.tb_next
    shown = start or traceback
    sys.__excepthook__(kind, error.with_traceback(shown), shown)


def _is_the_scripts(traceback: TracebackType) -> bool:
    return traceback.tb_frame.f_globals.get("__name__") == "__main__" and (
        traceback.tb_frame.f_globals is vars(sys.modules["__main__"])
    )
