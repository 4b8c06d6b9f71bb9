"""What cannot serve is refused by `to_dataset` itself, and nothing is left of it."""

from __future__ import annotations

import subprocess
import threading
from typing import Any

import numpy as np
import pytest

from seq2data.errors import BatchError, PayloadError, ReadError, SourceError
from tests.hostile import RefusesToLoad
from tests.sources import Squares, counting

tf = pytest.importorskip("tensorflow")

from seq2data import to_dataset  # noqa: E402  # needs TensorFlow

pytestmark = pytest.mark.tensorflow


class WithoutLength:
    def __getitem__(self, index: int) -> Any:
        return np.zeros(3)


def _with_argument(path: str) -> Any:
    yield path


ONE = tf.TensorSpec(None, tf.float32)

REFUSED_BEFORE_READING: dict[str, tuple[Any, dict[str, Any], type, list[str]]] = {
    "empty Sequence": (Squares(0), {}, SourceError, ["Squares", "empty", "__len__"]),
    "empty list": ([], {}, SourceError, ["list", "empty"]),
    "no length": (WithoutLength(), {}, SourceError, ["WithoutLength", "__len__"]),
    "class": (Squares, {}, SourceError, ["Squares", "class", "instance", "wrap"]),
    "number": (5, {}, SourceError, ["int"]),
    "none": (None, {}, SourceError, ["NoneType"]),
    "function with an argument": (
        _with_argument,
        {},
        SourceError,
        ["_with_argument", "path", "partial"],
    ),
    "negative workers": (Squares(), {"workers": -1}, ValueError, ["workers", "-1"]),
    "half a worker": (Squares(), {"workers": 1.5}, TypeError, ["workers", "1.5"]),
    "True workers": (Squares(), {"workers": True}, TypeError, ["workers", "True"]),
    "no queue": (Squares(), {"max_queue_size": 0}, ValueError, ["max_queue_size"]),
    "negative seed": (Squares(), {"seed": -3}, ValueError, ["seed", "-3"]),
    "no time": (Squares(), {"timeout": 0}, ValueError, ["timeout", "0"]),
    "text as timeout": (Squares(), {"timeout": "5s"}, TypeError, ["timeout", "5s"]),
    "no batch size": (Squares(), {"batch_size": 0}, ValueError, ["batch_size", "0"]),
    "half a batch size": (Squares(), {"batch_size": 2.5}, TypeError, ["batch_size"]),
    "transform of a generator": (
        counting,
        {"transform": abs},
        SourceError,
        ["transform", "__getitem__"],
    ),
    "transform of an iterator": (
        iter([1.0]),
        {"transform": abs},
        SourceError,
        ["transform", "__getitem__"],
    ),
    "shuffle of a generator": (counting, {"shuffle": True}, SourceError, ["shuffle"]),
    "shuffle of an iterator": (
        iter([1.0]),
        {"shuffle": True},
        SourceError,
        ["shuffle"],
    ),
    "signature of a shape": (
        Squares(),
        {"output_signature": (None, 3)},
        SourceError,
        ["output_signature", "TensorSpec"],
    ),
    "signature of a dtype": (
        Squares(),
        {"output_signature": tf.float32},
        SourceError,
        ["output_signature", "TensorSpec"],
    ),
}

REFUSED_AFTER_READING: dict[str, tuple[Any, dict[str, Any], type, list[str]]] = {
    "object": ([object()] * 3, {}, BatchError, ["object", "array"]),
    "object in a dict": ([{"x": [1, set()]}], {}, BatchError, ["['x'][1]", "set"]),
    "ragged array": (
        [np.array([[1], [2, 3]], dtype=object)],
        {},
        BatchError,
        ["list", "array"],
    ),
    "dates": ([np.array(["2020-01-01"], "M8[D]")], {}, BatchError, ["datetime64"]),
    "nothing": ([None, None], {}, BatchError, ["no array"]),
    "empty tuple": ([(), ()], {}, BatchError, ["no array"]),
    "signature with another nesting": (
        Squares(),
        {"output_signature": {"x": ONE, "y": ONE}},
        BatchError,
        ["'x'", "output_signature"],
    ),
    "signature with too few leaves": (
        Squares(),
        {"output_signature": ONE},
        BatchError,
        ["output_signature"],
    ),
    "signature with another shape": (
        Squares(),
        {
            "output_signature": (
                tf.TensorSpec([None, 9], tf.float32),
                tf.TensorSpec([None], tf.int64),
            )
        },
        BatchError,
        ["(4, 3)", "(None, 9)", "output_signature"],
    ),
    "signature with another dtype": (
        Squares(),
        {
            "output_signature": (
                tf.TensorSpec([None, 3], tf.int32),
                tf.TensorSpec([None], tf.int64),
            )
        },
        BatchError,
        ["float32", "int32", "[0]"],
    ),
    "signature of another generator": (
        counting,
        {"output_signature": {"x": ONE}},
        BatchError,
        ["'x'"],
    ),
    "signature without a tensor": (
        Squares(),
        {"output_signature": (None, None)},
        BatchError,
        ["output_signature"],
    ),
    "transform that is no function": (
        Squares(),
        {"transform": "abs"},
        (ReadError, TypeError),
        ["'str'", "callable"],
    ),
    "function that returns no iterable": (
        lambda: 5,
        {},
        SourceError,
        ["int", "iterable"],
    ),
}


def _refusal(source: Any, options: dict[str, Any], error_type: Any) -> str:
    with pytest.raises(error_type) as error_info:
        to_dataset(source, **options)
    return str(error_info.value)


@pytest.mark.parametrize("case", REFUSED_BEFORE_READING)
def test_bad_input_is_refused_before_any_reader_starts(
    case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, options, error_type, facts = REFUSED_BEFORE_READING[case]
    monkeypatch.setattr(subprocess, "Popen", _forbidden)
    threads = set(threading.enumerate())
    message = _refusal(source, options, error_type)
    assert set(threading.enumerate()) <= threads
    assert all(fact in message for fact in facts), message


def _forbidden(*arguments: Any, **options: Any) -> Any:
    raise AssertionError(f"a process was started: {arguments}")


@pytest.mark.parametrize("case", REFUSED_AFTER_READING)
def test_bad_batch_is_refused_and_its_reader_ends(
    case: str, way: dict[str, Any]
) -> None:
    source, options, error_type, facts = REFUSED_AFTER_READING[case]
    message = _refusal(source, {**options, **way}, error_type)
    assert all(fact in message for fact in facts), message


def test_source_that_cannot_be_sent_is_refused_by_its_attribute() -> None:
    source = Squares()
    source.handles = {"main": threading.current_thread()}
    message = _refusal(source, {"workers": 2}, PayloadError)
    assert "Squares.handles['main']" in message
    assert "use_multiprocessing=False" in message


def test_source_that_cannot_be_sent_is_read_in_threads_by_default() -> None:
    source = Squares()
    source.thread = threading.current_thread()
    with pytest.warns(RuntimeWarning, match=r"Squares\.thread") as warnings:
        dataset = to_dataset(source)
    assert len(warnings) == 1
    assert warnings[0].filename == __file__
    assert len(list(dataset)) == 12


def test_source_that_cannot_be_loaded_is_refused(start_method: str) -> None:
    message = _refusal(RefusesToLoad(), {"workers": 2}, (SourceError, RuntimeError))
    assert "LookupError" in message
    assert "no licence here" in message
