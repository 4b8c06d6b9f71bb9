"""Files that are open for reading: a worker opens them again, at the same position.

Only files of the file system are sent, and `os.devnull`, which is usually open for
writing. A forked worker has the fork server's open files, each with a position of its
own: see `workers.child.file_offsets`.
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
from seq2data.workers.system.proc import target_of


def path_of(raw: io.FileIO) -> str:
    """Returns a path under which any process finds the file.

    Raises:
        TypeError: It is not on a disk, or it was removed or moved.
    """
    here = os.fstat(raw.fileno())
    if not stat.S_ISREG(here.st_mode):
        raise TypeError(
            f"`{raw.name}` is not a file on a disk: it cannot be opened again"
        )
    # Its name may be relative to a folder that was the current one earlier.
    path = target_of(raw.fileno()) or os.path.abspath(raw.name)
    try:
        is_same = os.path.samestat(os.stat(path), here)
    except OSError:
        is_same = False
    if not is_same:
        raise TypeError(f"`{raw.name}` was removed or moved: it cannot be opened again")
    return path


def _refuse_writing(file: Any) -> None:
    raise TypeError(
        f"`{file.name}` is open for writing, and each worker would overwrite what the "
        "others write: open it with mode 'r', or in `__getitem__`"
    )


def _is_null(file: Any) -> bool:
    """True if the file is the null device, which discards what is written to it."""
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
    file = open(path, "rb", buffering)  # noqa: SIM115  # the user closes it
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
            f"`{file.name}` is in the middle of a loop over its lines, and Python does "
            "not tell its position there: read it with `readline`"
        ) from error
    return _open_text, (file.buffer, file.encoding, file.errors, position)


def _open_text(binary: Any, encoding: str, errors: str, position: int) -> Any:
    # Python does not tell `newline` of a file; this is the default of `open`.
    file = io.TextIOWrapper(binary, encoding, errors)
    file.seek(position)
    return file


def _closed(kind: Any, name: Any) -> Any:
    """Returns a closed file of the same name and kind."""
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
# The file alone: the wrapper would remove it in the worker.
register(tempfile._TemporaryFileWrapper, lambda file: (_itself, (file.file,)))


def _reduce_compressed(file: Any, opened: Any) -> Recipe:
    if file.closed:
        return _closed, (io.FileIO, getattr(file, "name", None))
    if file.writable():
        _refuse_writing(file)
    if opened is None:
        raise TypeError("it reads from another file object: open it with its path")
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
