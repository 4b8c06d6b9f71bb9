"""What goes wrong while a batch is read ends in an error that says so."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.hostile import Deadly, Misbehaving
from tests.oracle import assert_same, read_until_error
from tests.sources import Squares

tf = pytest.importorskip("tensorflow")

import seq2data  # noqa: E402  # needs TensorFlow
from seq2data import to_dataset  # noqa: E402

pytestmark = pytest.mark.tensorflow

RAISED = {
    "raise_key_error": ("KeyError", "no such patient"),
    "raise_file_error": ("FileNotFoundError", "/nonexistent/image.png"),
    "raise_stop_iteration": ("StopIteration",),
    "raise_unpicklable": ("UnpicklableError", "two arguments"),
    "exit_quietly": ("SystemExit", "3"),
}
DIED = {
    "exit_at_once": ("exit code 7",),
    "kill_itself": ("SIGKILL", "memory"),
}
BROKE_THE_SPEC = {
    "return_object": ("[0]", "object", "array"),
    "return_lambda": ("['f']", "function"),
    "return_wider": ("[0]", "(4, 9)", "(None, 3)", "output_signature", "(None, None)"),
    "return_float": ("[1]", "float64", "int64", "output_signature"),
    "return_nested": ("nested", "'x'", "same nesting"),
}


def _error_at_batch_3(source: Any, mode: dict[str, Any]) -> str:
    """The text of the error that comes in place of batch 3."""
    iterator = iter(to_dataset(source, **mode))
    for index in range(3):
        assert_same(next(iterator), Squares()[index])
    with pytest.raises(tf.errors.OpError) as error_info:
        next(iterator)
    assert not isinstance(error_info.value, tf.errors.OutOfRangeError)
    return str(error_info.value)


@pytest.mark.parametrize("what", RAISED)
def test_exception_comes_with_type_message_index_and_traceback(
    what: str, mode: dict[str, Any]
) -> None:
    message = _error_at_batch_3(Misbehaving(what), mode)
    assert "batch 3" in message
    assert "Misbehaving" in message
    assert all(fact in message for fact in RAISED[what])
    # Its traceback, down to the user's own line.
    assert "hostile.py" in message
    assert f"in {what}" in message


@pytest.mark.parametrize("what", RAISED)
def test_exception_in_the_last_of_many_tiny_batches_is_found(
    what: str, way: dict[str, Any]
) -> None:
    source = Misbehaving(what, at=498, num_batches=500)
    delivered, message = read_until_error(to_dataset(source, **way))
    assert delivered == 498
    assert "batch 498" in message


@pytest.mark.parametrize("what", DIED)
def test_death_of_the_worker_comes_in_words(what: str, start_method: str) -> None:
    message = _error_at_batch_3(Misbehaving(what), {"workers": 2})
    assert "batch 3" in message or "batches [3" in message
    assert "Misbehaving" in message
    assert all(fact in message for fact in DIED[what])


def test_batches_before_one_that_kills_each_worker_come() -> None:
    """Cheap batches are read many at a time; those beside the deadly one are whole."""
    source = Deadly(400, 333)
    taken = list(to_dataset(source, workers=2).take(333))
    assert [int(batch.numpy()[0]) for batch in taken] == list(range(333))
    iterator = iter(to_dataset(source, workers=2))
    for index in range(333):
        assert int(next(iterator).numpy()[0]) == index
    with pytest.raises(tf.errors.OpError, match="while it read batch 333 of `Deadly`"):
        next(iterator)


@pytest.mark.parametrize("what", BROKE_THE_SPEC)
def test_broken_spec_names_leaf_index_and_cure(what: str, way: dict[str, Any]) -> None:
    message = _error_at_batch_3(Misbehaving(what), way)
    assert "batch 3" in message
    assert all(fact in message for fact in BROKE_THE_SPEC[what])


@pytest.mark.parametrize("what", BROKE_THE_SPEC)
def test_broken_spec_among_samples_is_found(what: str, way: dict[str, Any]) -> None:
    with pytest.raises(tf.errors.OpError, match="batch 3"):
        list(to_dataset(Misbehaving(what), batch_size=2, **way))


@pytest.mark.parametrize("at", [0, 7])
@pytest.mark.parametrize("what", RAISED)
def test_exception_in_a_peeked_batch_is_raised_at_once(
    what: str, at: int, way: dict[str, Any]
) -> None:
    with pytest.raises(seq2data.ReadError) as error_info:
        to_dataset(Misbehaving(what, at=at), **way)
    error = error_info.value
    assert error.index == at
    assert all(fact in str(error) for fact in RAISED[what])
    assert f"in {what}" in error.worker_traceback
    if what != "raise_unpicklable" or error.__cause__ is not None:
        assert type(error.__cause__).__name__ == RAISED[what][0]


@pytest.mark.parametrize("what", DIED)
def test_death_in_a_peeked_batch_is_raised_at_once(
    what: str, start_method: str
) -> None:
    with pytest.raises(seq2data.WorkerCrashError) as error_info:
        to_dataset(Misbehaving(what, at=0), workers=2)
    assert error_info.value.status == {"exit_at_once": 7, "kill_itself": -9}[what]
    assert all(fact in str(error_info.value) for fact in DIED[what])


@pytest.mark.parametrize("what", ["return_float", "return_wider", "return_nested"])
def test_last_batch_that_differs_from_the_first_is_judged_at_once(
    what: str, way: dict[str, Any]
) -> None:
    source = Misbehaving(what, at=7)
    if what == "return_wider":
        # Then the dimension counts as one that varies.
        assert to_dataset(source, **way).element_spec[0].shape.as_list() == [
            None,
            None,
        ]
        return
    with pytest.raises(seq2data.BatchError) as error_info:
        to_dataset(source, **way)
    assert error_info.value.index == 7


@pytest.mark.parametrize("at", [0, 3, 7])
def test_float_batch_never_goes_into_an_integer_spec(
    at: int, way: dict[str, Any]
) -> None:
    x = tf.TensorSpec([None, 3], tf.float32)
    signature = (x, tf.TensorSpec([None], tf.int64))
    with pytest.raises((seq2data.BatchError, tf.errors.OpError)) as error_info:
        list(
            to_dataset(
                Misbehaving("return_float", at=at), output_signature=signature, **way
            )
        )
    assert all(fact in str(error_info.value) for fact in ("float64", "int64", "[1]"))


def test_cast_without_loss_follows_the_signature(mode: dict[str, Any]) -> None:
    source = [(np.float64([i, 0.5]), np.int16([i, 7])) for i in range(5)]
    signature = (tf.TensorSpec([2], tf.float32), tf.TensorSpec([2], tf.int64))
    got = list(to_dataset(source, output_signature=signature, **mode))
    assert len(got) == 5
    for index, batch in enumerate(got):
        assert_same(batch, (np.float32([index, 0.5]), np.int64([index, 7])))


def test_stuck_batch_is_an_error_after_the_timeout(start_method: str) -> None:
    dataset = to_dataset(Misbehaving("hang"), workers=2, timeout=2.0)
    with pytest.raises(tf.errors.OpError) as error_info:
        list(dataset)
    assert "batch 3" in str(error_info.value)
    assert "timeout=2.0" in str(error_info.value)
