"""Turns an exception into text, whatever the user's exception class does.

The `__str__`, `__repr__` and attributes of an exception may be user code. They may
raise, return a hundred megabytes, or call `sys.exit`. The functions here always return
a text of limited length, and never raise.
"""

from __future__ import annotations

import traceback
from types import TracebackType
from typing import Callable, Optional

# A message must stay readable; a traceback may be one of a long chain.
_LONGEST_SUMMARY = 4_000
_LONGEST_TRACEBACK = 100_000


def summary_of(error: BaseException) -> str:
    """Returns `Type: text`."""
    return _first_that_works(
        _LONGEST_SUMMARY,
        lambda: traceback.format_exception_only(type(error), error),
        lambda: [_without_its_code(error)],
    ).strip()


def traceback_of(error: BaseException) -> str:
    """Returns the traceback as Python prints it, with causes if they can be printed."""
    trace = traceback_object(error)
    return _first_that_works(
        _LONGEST_TRACEBACK,
        lambda: traceback.format_exception(type(error), error, trace),
        lambda: traceback.format_exception(type(error), error, trace, chain=False),
        lambda: [*traceback.format_tb(trace), _without_its_code(error)],
    )


def traceback_object(error: BaseException) -> Optional[TracebackType]:
    """Returns `__traceback__`, even if the class has another attribute of that name."""
    trace: Optional[TracebackType] = vars(BaseException)["__traceback__"].__get__(error)
    return trace


def shortened(text: str, most: int) -> str:
    """Returns the text, without its middle if it is longer than `most` characters."""
    if len(text) <= most:
        return text
    left_out = f"\n[... {len(text) - most:,} characters left out ...]\n"
    return text[: most // 2] + left_out + text[-(most - most // 2) :]


def as_cause(error: BaseException) -> Optional[BaseException]:
    """Returns the exception if it can be printed as a cause, else None."""
    trace = traceback_object(error)
    try:
        length = sum(map(len, traceback.format_exception(type(error), error, trace)))
    except BaseException:  # noqa: BLE001  # user code: it may raise SystemExit, too
        return None
    return error if length <= _LONGEST_TRACEBACK else None


def _without_its_code(error: BaseException) -> str:
    name = type.__repr__(type(error)).partition("'")[2].rpartition("'")[0]
    return f"{name}: <its text cannot be read>"


def _first_that_works(most: int, *ways: Callable[[], list[str]]) -> str:
    for way in ways:
        try:
            text = shortened("".join(way()), most)
            # TensorFlow passes the text on, and accepts neither surrogates nor NUL.
            return text.encode(errors="backslashreplace").decode().replace("\0", "\\0")
        except BaseException:  # noqa: BLE001  # user code: it may raise SystemExit, too
            continue
    return "<the exception cannot be described>"
