"""Gives errors texts that TensorFlow can read.

TensorFlow encodes the text of a Python exception as UTF-8. Where that is impossible (a
file name with a byte that is no text, `os.fsdecode`), TensorFlow 2.21 has no text at
all, and 2.10 dies of a segmentation fault. A zero byte ends the text.
"""

from __future__ import annotations

import copy
import traceback


def with_printable_text(error: Exception) -> Exception:
    """Returns the error; a printable copy of it if TensorFlow cannot read its text.

    The copy has no cause, because the cause has the same text.
    """
    parts = traceback.format_exception(type(error), error, error.__traceback__)
    if _printable(whole := "".join(parts)) == whole:
        return error
    printable = copy.copy(error)
    printable.args = tuple(
        _printable(part) if isinstance(part, str) else part for part in error.args
    )
    for name, value in vars(error).items():
        if isinstance(value, str):
            setattr(printable, name, _printable(value))
    return printable.with_traceback(None)


def _printable(text: str) -> str:
    encodable = text.encode("utf-8", "backslashreplace").decode()
    return encodable.replace("\0", "\\0")
