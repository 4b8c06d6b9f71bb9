"""Turns an exception into text, whatever code of the user's that runs.

An exception's `__str__`, `__repr__` and attributes are the user's: they may raise, give
a hundred megabytes, or leave the process. What comes of them here is a text that is not
long; nothing is raised.
"""

from __future__ import annotations

import traceback
from types import TracebackType
from typing import Callable, Optional

# A message is for people to read; a traceback may be one of a long chain.
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
    """Returns the traceback as Python prints it, with causes where these can be had."""
    trace = traceback_object(error)
    return _first_that_works(
        _LONGEST_TRACEBACK,
        lambda: traceback.format_exception(type(error), error, trace),
        lambda: traceback.format_exception(type(error), error, trace, chain=False),
        lambda: [*traceback.format_tb(trace), _without_its_code(error)],
    )


def traceback_object(error: BaseException) -> Optional[TracebackType]:
    """Returns `__traceback__`, past what the class may have in its place."""
    trace: Optional[TracebackType] = vars(BaseException)["__traceback__"].__get__(error)
    return trace


def shortened(text: str, most: int) -> str:
    """Returns a text of about `most` characters at most, its middle left out."""
    if len(text) <= most:
        return text
    left_out = f"\n[... {len(text) - most:,} characters left out ...]\n"
    return text[: most // 2] + left_out + text[-(most - most // 2) :]


def as_cause(error: BaseException) -> Optional[BaseException]:
    """Returns the exception if an error that has it as its cause can be printed."""
    trace = traceback_object(error)
    try:
        length = sum(map(len, traceback.format_exception(type(error), error, trace)))
    except BaseException:  # noqa: BLE001  # user code: it may raise SystemExit, too
        return None
    return error if length <= _LONGEST_TRACEBACK else None


def _without_its_code(error: BaseException) -> str:
    name = type.__repr__(type(error)).partition("'")[2].rpartition("'")[0]
    return f"{name}: <its text cannot be had>"


def _first_that_works(most: int, *ways: Callable[[], list[str]]) -> str:
    for way in ways:
        try:
            text = shortened("".join(way()), most)
            # TensorFlow, which passes it on, takes neither of these.
            return text.encode(errors="backslashreplace").decode().replace("\0", "\\0")
        except BaseException:  # noqa: BLE001  # user code: it may raise SystemExit, too
            continue
    return "<the exception cannot be described>"
