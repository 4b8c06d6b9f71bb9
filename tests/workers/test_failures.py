from __future__ import annotations

import pickle
import signal
from dataclasses import replace
from typing import Any

import pytest

from seq2data.errors import (
    BatchError,
    ReadError,
    Seq2DataError,
    SourceError,
    WorkerCrashError,
)
from seq2data.workers.failures import (
    crash_error,
    error_of,
    exit_status,
    failure_of,
    status_in_words,
)
from tests.hostile import UnpicklableError


class RefusingError(Exception):
    """Breaks whoever pickles it."""

    def __reduce__(self) -> Any:
        raise RuntimeError("not me")


class DisguisedError(Exception):
    """Arrives as something else."""

    def __reduce__(self) -> Any:
        return ValueError, ("somebody else",)


class SilentError(Exception):
    """Breaks whoever prints it."""

    def __str__(self) -> str:
        raise RuntimeError("no text")


def raised(error: BaseException) -> BaseException:
    """The error, with the traceback of user code."""

    def users_own_function() -> None:
        raise error

    try:
        users_own_function()
    except BaseException as caught:  # noqa: BLE001  # whatever the test gave
        return caught
    raise AssertionError


def reported(error: BaseException, index: Any = 4) -> Seq2DataError:
    """What the parent makes of an error in a worker."""
    failure = failure_of(raised(error), index)
    travelled = pickle.loads(pickle.dumps(failure))
    return error_of(travelled, "MySequence", epoch=2, pid=99)


@pytest.mark.parametrize(
    "error",
    [
        KeyError("no such patient"),
        FileNotFoundError(2, "No such file", "/nonexistent/image.png"),
        StopIteration(),
        SystemExit(3),
        KeyboardInterrupt(),
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_users_exception_is_the_cause_as_it_was(error: BaseException) -> None:
    found = reported(error)
    assert type(found) is ReadError
    assert type(found.__cause__) is type(error)
    assert found.__cause__.args == error.args
    assert str(found.__cause__) == str(error)


def test_report_tells_where_and_what() -> None:
    found = reported(KeyError("no such patient"))
    assert isinstance(found, ReadError)
    assert (found.index, found.epoch, found.pid) == (4, 2, 99)
    facts = ("batch 4", "`MySequence`", "epoch 2", "pid 99", "KeyError", "patient")
    first_line = str(found).splitlines()[0]
    for fact in facts:
        assert fact in first_line


def test_report_has_the_workers_traceback() -> None:
    found = reported(KeyError("no such patient"))
    assert isinstance(found, ReadError)
    assert found.worker_traceback.startswith("Traceback (most recent call last)")
    assert "users_own_function" in found.worker_traceback
    assert found.worker_traceback.rstrip() in str(found)


def test_traceback_has_what_the_exception_was_caused_by() -> None:
    error = ValueError("cannot decode")
    error.__cause__ = raised(OSError("truncated file"))
    found = reported(error)
    assert isinstance(found, ReadError)
    assert "OSError: truncated file" in found.worker_traceback


@pytest.mark.parametrize(
    ("error", "summary"),
    [
        (UnpicklableError("two", "arguments"), "UnpicklableError: two arguments"),
        (RefusingError("stays"), "RefusingError: stays"),
        (DisguisedError("masked"), "DisguisedError: masked"),
    ],
)
def test_exception_that_cannot_travel_is_told_in_words(
    error: Exception, summary: str
) -> None:
    found = reported(error)
    assert isinstance(found, ReadError)
    assert found.__cause__ is None
    assert summary in str(found).splitlines()[0]
    assert "users_own_function" in found.worker_traceback


def test_exception_of_a_class_made_in_the_worker_is_told_in_words() -> None:
    class LocalError(Exception):
        pass

    found = reported(LocalError("home-made"))
    assert found.__cause__ is None
    assert "LocalError: home-made" in str(found)


def test_exception_that_only_the_worker_can_load_is_told_in_words() -> None:
    failure = failure_of(raised(KeyError("x")), 4)
    assert failure.error is not None
    elsewhere = pickle.dumps(KeyError("x"), 0).replace(b"KeyError", b"NoSuchError")
    found = error_of(replace(failure, error=elsewhere), "MySequence", 2, 99)
    assert type(found) is ReadError
    assert found.__cause__ is None
    assert "KeyError: 'x'" in str(found)


def test_exception_that_cannot_be_printed_is_still_reported() -> None:
    found = reported(SilentError())
    assert "SilentError" in str(found)
    assert isinstance(found, ReadError)
    assert found.index == 4


def test_bad_batch_is_told_with_its_index() -> None:
    found = reported(BatchError("[0] holds a `set`"))
    assert type(found) is BatchError
    assert found.index == 4
    for fact in ("batch 4", "`MySequence`", "[0] holds a `set`"):
        assert fact in str(found)


def test_finding_about_the_source_comes_out_as_it_is() -> None:
    found = reported(SourceError("stands at item 3"))
    assert type(found) is SourceError
    assert str(found) == "stands at item 3"


def test_failure_to_load_is_told_as_such() -> None:
    found = reported(ImportError("no module named cv2"), index=None)
    assert isinstance(found, ReadError)
    assert found.index is None
    assert isinstance(found.__cause__, ImportError)
    for fact in ("`MySequence`", "loaded", "cv2"):
        assert fact in str(found).splitlines()[0]


@pytest.mark.parametrize(
    ("status", "facts"),
    [
        (None, ["not known"]),
        (0, ["exit code 0"]),
        (7, ["exit code 7"]),
        (-signal.SIGKILL, ["SIGKILL", "memory"]),
        (-signal.SIGSEGV, ["SIGSEGV", "native code"]),
        (-signal.SIGBUS, ["SIGBUS", "memory"]),
        (-signal.SIGABRT, ["SIGABRT", "native code"]),
        (-signal.SIGTERM, ["SIGTERM"]),
        (-signal.SIGUSR1, ["SIGUSR1"]),
        (-50, ["signal 50"]),
    ],
)
def test_exit_status_is_told_in_words(status: Any, facts: list[str]) -> None:
    words = status_in_words(status)
    assert facts
    assert [fact for fact in facts if fact not in words] == []


@pytest.mark.parametrize(("indices", "which"), [((4,), "batch 4"), ((4, 5), "[4, 5]")])
def test_dead_worker_is_reported_with_exit_code_and_batches(
    indices: tuple[int, ...], which: str
) -> None:
    found = crash_error("MySequence", 99, 7, indices, epoch=3, attempts=1)
    assert type(found) is WorkerCrashError
    assert (found.pid, found.status) == (99, 7)
    for fact in (which, "`MySequence` (epoch 3)", "exit code 7", "`workers=0`"):
        assert fact in str(found)
    assert "(pid 99)" in str(found)


def test_last_of_several_dead_workers_is_reported_as_that() -> None:
    found = crash_error("MySequence", 99, 7, (4,), epoch=3, attempts=4)
    assert "(pid 99, the last of 4 in a row)" in str(found)


@pytest.mark.parametrize(
    ("wait_status", "expected"),
    # As wait(2) has them: the exit code in the high byte, the signal in the low one,
    # where 128 says that memory was dumped.
    [(0, 0), (7 << 8, 7), (9, -9), (11 | 128, -11)],
)
def test_status_of_waitpid_becomes_an_exit_code_or_minus_a_signal(
    wait_status: int, expected: int
) -> None:
    assert exit_status(wait_status) == expected
