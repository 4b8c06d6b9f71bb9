"""Starts a fresh interpreter that runs one function of `child/fork_server.py`.

It imports nothing of the user's before. What it has to know first lies in a file in
memory, whose descriptor it inherits: a command line takes 128 kB, and an environment
2 MB, where `sys.path` and the variables of a program may be longer.
"""

from __future__ import annotations

import errno
import marshal
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from multiprocessing import spawn
from typing import Any, Optional

import numpy as np

from seq2data.workers.fault import STATUS
from seq2data.workers.transport.memory_files import write_file

# Linux takes 128 kB of arguments and variables even where the stack is limited.
_MOST_BYTES = 96 * 1024
# Each variable costs a pointer, `=` and the end of a string beside its text.
_BYTES_BESIDE = 10
# What is read before the interpreter's first instruction comes before all others.
_READ_AT_ONCE = ("LD_", "DYLD_", "PYTHON")
_OWN_BINARY = "/proc/self/exe"
_DELETED = " (deleted)"  # as Linux marks what an upgrade has replaced
_CODE = """
import marshal, os, sys, traceback
try:
    with open({file}, "rb") as file:
        sys.path[:], variables = marshal.load(file)
    os.environ.update(variables)
    del file, variables
    from seq2data.workers.child.fork_server import {entry}
    {entry}{descriptors}
except BaseException:
    traceback.print_exc()
    os._exit({status})
"""


def start(
    entry: str,
    descriptors: Sequence[int],
    environment: Mapping[str, str],
    **options: Any,
) -> subprocess.Popen[bytes]:
    """Starts an interpreter that runs `entry(*descriptors)`.

    Args:
        entry: A function of `seq2data.workers.child.fork_server`.
        descriptors: They have the same numbers there, and stay open here.
        environment: Of the interpreter.
        **options: Of `subprocess.Popen`; `pass_fds` are inherited, too.

    Raises:
        OSError: The machine refuses a process or memory, or there is no interpreter.
    """
    by_exec, variables = _split(environment)
    search = by_exec.get("PYTHONPATH", "")
    if _absolute(search) != search:
        variables["PYTHONPATH"], by_exec["PYTHONPATH"] = search, _absolute(search)
    file = _file_of((_import_path(), variables))
    try:
        return subprocess.Popen(
            [interpreter(), *_flags(), "-c", _code(entry, descriptors, file)],
            env=by_exec,
            pass_fds=[file, *descriptors, *options.pop("pass_fds", ())],
            **options,
        )
    finally:
        os.close(file)


def interpreter() -> str:
    """Returns the path of the interpreter that runs this program.

    `sys.executable` may be empty, or a script that starts the interpreter as a child,
    whose death would not be seen. So a path to the binary of this process goes first.

    Raises:
        FileNotFoundError: There is none; the message has the setting that helps.
    """
    found = [path for path in _candidates() if os.access(path, os.X_OK)]
    for path in found:
        if _is_own_binary(path):
            return path
    binary = _own_binary()
    if os.path.basename(binary).startswith(("python", "pypy")):
        if binary.endswith(_DELETED):
            return _OWN_BINARY
        if os.access(binary, os.X_OK):
            return binary
    if found:
        return found[0]  # this is another program, which has Python inside
    raise FileNotFoundError(
        errno.ENOENT,
        f"no Python interpreter was found for the worker processes: `sys.executable` "
        f"is {sys.executable!r}, which this user cannot run. Tell where it is with "
        "`multiprocessing.set_executable(path)`, or pass `use_multiprocessing=False` "
        "to read in threads",
    )


def _candidates() -> Iterator[str]:
    """Yields paths where an interpreter may be: multiprocessing's, and venv's."""
    name = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    base = getattr(sys, "_base_executable", None)
    folder = os.path.join(sys.exec_prefix, "bin")
    paths = [spawn.get_executable(), sys.executable, os.path.join(folder, name), base]
    for path in paths:
        if path and os.path.isfile(path):
            yield os.fsdecode(path)


def _own_binary() -> str:
    try:
        return os.readlink(_OWN_BINARY)
    except OSError:  # there is no /proc here
        return ""


def _is_own_binary(path: str) -> bool:
    try:
        return os.path.samefile(path, _OWN_BINARY)
    except OSError:
        return False


def _flags() -> list[str]:
    """Returns the flags of `multiprocessing.spawn`, and one for a deleted folder."""
    flags: list[str] = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]
    if _current_folder() is None and sys.version_info >= (3, 11):
        # CPython 3.13.0 cannot import in a deleted folder that is on its import path.
        flags.append("-P")
    return flags


def _current_folder() -> Optional[str]:
    """Returns the current folder; None if it was deleted."""
    try:
        return os.getcwd()
    except FileNotFoundError:
        return None


def _code(entry: str, descriptors: Sequence[int], file: int) -> str:
    return _CODE.format(
        file=file, entry=entry, descriptors=tuple(descriptors), status=STATUS
    )


def _import_path() -> list[str]:
    """Returns `sys.path` without what imports ignore: all but text."""
    return [str.__str__(entry) for entry in sys.path if isinstance(entry, str)]


def _absolute(search_path: str) -> str:
    """Returns the folders as they are from everywhere, also from a deleted one.

    An interpreter that starts in a deleted folder does not come up with a relative one.
    """
    here = _current_folder()
    folders = search_path.split(os.pathsep)
    absolute = [
        folder if os.path.isabs(folder) or here is None else os.path.join(here, folder)
        for folder in folders
    ]
    return os.pathsep.join(filter(os.path.isabs, absolute))


def _split(environment: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Returns the variables that exec takes in any case, and the others."""
    by_exec: dict[str, str] = {}
    others: dict[str, str] = {}
    nbytes = 0
    for name, value in sorted(environment.items(), key=_place):
        nbytes += _nbytes(name, value)
        (by_exec if nbytes <= _MOST_BYTES else others)[name] = value
    return by_exec, others


def _place(variable: tuple[str, str]) -> tuple[bool, int]:
    return not variable[0].startswith(_READ_AT_ONCE), _nbytes(*variable)


def _nbytes(name: str, value: str) -> int:
    return len(os.fsencode(name)) + len(os.fsencode(value)) + _BYTES_BESIDE


def _file_of(value: Any) -> int:
    """Returns the descriptor of a file in memory that has the value."""
    data = np.frombuffer(marshal.dumps(value), np.uint8)
    descriptor, _ = write_file([data])
    return descriptor
