"""Files that are open for reading: opened again, at the same place.

Only those of the file system, and `os.devnull`, which is open for writing as a rule. A
worker that is forked has them from the fork server, with a position of its own: see
`workers.positions`.
"""

from __future__ import annotations

import functools
import io
import os
import stat
import sys
import tempfile
from typing import Any, Callable, Optional

import wrapt

from seq2data.workers.payload.registry import Recipe, register

_DESCRIPTORS = "/proc/self/fd"


def path_of(raw: io.FileIO) -> str:
    """Where the file lies, for any process."""
    here = os.fstat(raw.fileno())
    if not stat.S_ISREG(here.st_mode):
        raise TypeError(f"`{raw.name}` is no file on a disk: it cannot be opened again")
    link = f"{_DESCRIPTORS}/{raw.fileno()}"
    # The name may be relative to a folder that is not the current one any more.
    path = os.readlink(link) if os.path.lexists(link) else os.path.abspath(raw.name)
    try:
        is_same = os.path.samestat(os.stat(path), here)
    except OSError:
        is_same = False
    if not is_same:
        raise TypeError(f"`{raw.name}` is not there any more: it was removed or moved")
    return path


def _refuse_writing(file: Any) -> None:
    raise TypeError(
        f"`{file.name}` is open for writing, and workers would write over each other: "
        "open it with mode 'r', or in `__getitem__`"
    )


def _is_null(file: Any) -> bool:
    """True if what is written to the file goes nowhere."""
    return os.path.samestat(os.fstat(file.fileno()), os.stat(os.devnull))


def _reduce_binary(file: Any) -> Optional[Recipe]:
    if file.closed:
        return _closed, (type(file), getattr(file, "name", None))
    raw = file if isinstance(file, io.FileIO) else file.raw
    if type(raw) is not io.FileIO:
        return None
    buffering = 0 if raw is file else -1
    if _is_null(raw):
        return open, (os.devnull, raw.mode, buffering)
    if file.writable():
        _refuse_writing(file)
    return _open_binary, (path_of(raw), buffering, file.tell())


def _open_binary(path: str, buffering: int, position: int) -> Any:
    file = open(path, "rb", buffering)  # noqa: SIM115  # it is the user's to close
    file.seek(position)
    return file


def _reduce_text(file: Any) -> Recipe:
    if file in (sys.stdout, sys.stderr):
        return getattr, (sys, "stdout" if file is sys.stdout else "stderr")
    if file.closed:
        return _closed, (type(file), getattr(file, "name", None))
    is_written = isinstance(file.buffer, (io.BufferedWriter, io.BufferedRandom))
    if is_written and not _is_null(file):
        _refuse_writing(file)
    try:
        position = file.tell()
    except OSError as error:
        raise TypeError(
            f"`{file.name}` is in the middle of a loop over its lines, and cannot tell "
            "where: read it with `readline`"
        ) from error
    return _open_text, (file.buffer, file.encoding, file.errors, position)


def _open_text(binary: Any, encoding: str, errors: str, position: int) -> Any:
    # How it ends lines cannot be asked for: it is as in `open` without `newline`.
    file = io.TextIOWrapper(binary, encoding, errors)
    file.seek(position)
    return file


def _closed(kind: Any, name: Any) -> Any:
    """A file of the same name and kind that is closed, too."""
    raw = io.FileIO(os.devnull, "r+")
    raw.name = name
    file: Any = raw
    if issubclass(kind, io.TextIOWrapper):
        file = io.TextIOWrapper(io.BufferedReader(raw))
    elif not issubclass(kind, io.FileIO):
        file = kind(raw)
    file.close()
    return file


def _itself(file: Any) -> Any:
    return file


register(io.FileIO, _reduce_binary)
register(io.BufferedReader, _reduce_binary)
register(io.BufferedWriter, _reduce_binary)
register(io.BufferedRandom, _reduce_binary)
register(io.TextIOWrapper, _reduce_text)
# The file, without what removes it at the end.
register(tempfile._TemporaryFileWrapper, lambda file: (_itself, (file.file,)))


def _reduce_compressed(file: Any, opened: Any) -> Recipe:
    if file.closed:
        return _closed, (io.FileIO, getattr(file, "name", None))
    if file.writable():
        _refuse_writing(file)
    if opened is None:
        raise TypeError("it reads from another file object: open it by its path")
    return _open_compressed, (type(file), path_of(opened.raw), file.tell())


def _open_compressed(kind: Callable[..., Any], path: str, position: int) -> Any:
    file = kind(path, "rb")
    file.seek(position)
    return file


def _reduce_gzip(file: Any) -> Recipe:
    return _reduce_compressed(file, file.myfileobj)


def _reduce_bz2_or_lzma(file: Any) -> Recipe:
    return _reduce_compressed(file, file._fp if file._closefp else None)


def _register(name: str, reducer: Callable[[Any], Recipe], module: Any) -> None:
    register(getattr(module, name), reducer)


for _module, _class, _reducer in (
    ("gzip", "GzipFile", _reduce_gzip),
    ("bz2", "BZ2File", _reduce_bz2_or_lzma),
    ("lzma", "LZMAFile", _reduce_bz2_or_lzma),
):
    wrapt.register_post_import_hook(
        functools.partial(_register, _class, _reducer), _module
    )
