"""A wrapped class looks like itself and gives datasets."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from seq2data.errors import SourceError
from tests.oracle import assert_yields
from tests.sources import Pictures

tf = pytest.importorskip("tensorflow")

from seq2data import wrap  # noqa: E402  # needs TensorFlow

pytestmark = pytest.mark.tensorflow


def test_instance_comes_out_as_its_dataset(mode: dict[str, Any]) -> None:
    dataset = wrap(Pictures, **mode)(7, size=3)
    assert isinstance(dataset, tf.data.Dataset)
    assert_yields(dataset, Pictures(7, size=3))


def test_name_doc_and_signature_stay() -> None:
    wrapped = wrap(Pictures, workers=0)
    assert wrapped.__name__ == "Pictures"
    assert wrapped.__qualname__ == Pictures.__qualname__
    assert wrapped.__doc__ == "Pictures and their labels."
    assert wrapped.__module__ == Pictures.__module__
    assert inspect.signature(wrapped) == inspect.signature(Pictures)


def test_wrapped_class_is_still_a_class() -> None:
    wrapped = wrap(Pictures, workers=0)
    assert isinstance(wrapped, type)
    assert isinstance(Pictures(3), wrapped)
    assert wrapped == Pictures


def test_attributes_of_the_class_are_reached() -> None:
    wrapped = wrap(Pictures, workers=0)
    assert wrapped.kinds == ("cat", "dog")
    assert_yields(wrapped.three(), Pictures(3))


def test_original_class_stays_as_it_is() -> None:
    wrap(Pictures, workers=0)
    assert isinstance(Pictures(3), Pictures)


def test_works_as_a_decorator() -> None:
    @lambda source_class: wrap(source_class, workers=0)
    class Local(Pictures):
        pass

    assert_yields(Local(3), Pictures(3))


def test_options_reach_the_dataset() -> None:
    signature = (tf.TensorSpec([2, None], tf.float32), tf.TensorSpec([2], tf.int64))
    dataset = wrap(Pictures, workers=0, output_signature=signature)(3)
    assert dataset.element_spec == signature


def test_unknown_option_is_refused_when_the_class_is_wrapped() -> None:
    with pytest.raises(TypeError, match="worker"):
        wrap(Pictures, worker=8)


@pytest.mark.parametrize(
    ("option", "value", "error_type"),
    [("workers", -1, ValueError), ("max_queue_size", "many", TypeError)],
)
def test_bad_option_is_refused(option: str, value: Any, error_type: type) -> None:
    with pytest.raises(error_type, match=option):
        wrap(Pictures, **{option: value})(3)


@pytest.mark.parametrize("wrong", [Pictures(3), [1.0], None])
def test_what_is_no_class_is_refused(wrong: Any) -> None:
    with pytest.raises(SourceError, match="to_dataset") as error_info:
        wrap(wrong)
    assert type(wrong).__name__ in str(error_info.value)


def test_error_in_the_constructor_is_the_users_own() -> None:
    with pytest.raises(TypeError, match="count"):
        wrap(Pictures, workers=0)()
