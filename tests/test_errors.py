from __future__ import annotations

import pickle
from typing import Any

import pytest

import seq2data
from seq2data import errors
from seq2data.errors import (
    BatchError,
    BatchTimeoutError,
    MissingExtraError,
    PayloadError,
    ReadError,
    Seq2DataError,
    SourceError,
    WorkerCrashError,
)

BUILTIN_BASES = {
    SourceError: ValueError,
    BatchError: ValueError,
    ReadError: RuntimeError,
    WorkerCrashError: RuntimeError,
    BatchTimeoutError: TimeoutError,
    PayloadError: pickle.PicklingError,
    MissingExtraError: ImportError,
}

IN_WORKER = {"index": 4, "epoch": 2, "pid": 99, "worker_traceback": "Traceback: x"}
ATTRIBUTES: dict[type, dict[str, Any]] = {
    SourceError: {},
    BatchError: {"index": 4},
    ReadError: IN_WORKER,
    WorkerCrashError: {"pid": 99, "status": -9},
    BatchTimeoutError: IN_WORKER,
    PayloadError: {},
    MissingExtraError: {},
}

every_error = pytest.mark.parametrize(
    "error_class", BUILTIN_BASES, ids=lambda error_class: error_class.__name__
)


def test_tree_has_no_other_errors() -> None:
    own = {
        value
        for value in vars(errors).values()
        if isinstance(value, type) and value.__module__ == errors.__name__
    }
    assert own == {Seq2DataError, *BUILTIN_BASES}


@every_error
def test_error_is_caught_as_ours_and_as_its_builtin(error_class: type) -> None:
    assert error_class.__bases__ == (Seq2DataError, BUILTIN_BASES[error_class])


@every_error
def test_error_is_public(error_class: type) -> None:
    assert getattr(seq2data, error_class.__name__) is error_class


@every_error
def test_drawing_shows_the_error_with_its_builtin(error_class: type) -> None:
    lines = (errors.__doc__ or "").splitlines()
    shown = [line.split()[1:3] for line in lines if line.startswith(" |-")]
    assert [error_class.__name__, f"({BUILTIN_BASES[error_class].__name__})"] in shown
    assert len(shown) == len(BUILTIN_BASES)


@every_error
def test_attributes_are_those_that_were_given(error_class: type) -> None:
    error = error_class("what happened", **ATTRIBUTES[error_class])
    assert vars(error) == ATTRIBUTES[error_class]


@every_error
def test_attributes_may_be_left_out(error_class: type) -> None:
    error = error_class("what happened")
    assert str(error) == "what happened"
    assert not any(vars(error).values())


@every_error
@pytest.mark.parametrize("protocol", [2, pickle.HIGHEST_PROTOCOL])
def test_error_survives_pickling(error_class: type, protocol: int) -> None:
    error = error_class("what happened", **ATTRIBUTES[error_class])
    travelled = pickle.loads(pickle.dumps(error, protocol))
    assert type(travelled) is error_class
    assert vars(travelled) == ATTRIBUTES[error_class]
    assert str(travelled) == str(error)


@every_error
def test_message_is_the_first_thing_that_is_shown(error_class: type) -> None:
    error = error_class("what happened", **ATTRIBUTES[error_class])
    shown = ["what happened"]
    if ATTRIBUTES[error_class] is IN_WORKER:
        shown = ["what happened", "", "Traceback: x"]
    assert str(error).splitlines() == shown
