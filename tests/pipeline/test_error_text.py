"""Errors whose texts are no UTF-8 come through TensorFlow."""

from __future__ import annotations

import os
from typing import Any

import pytest

from seq2data.errors import ReadError
from tests.sources import Squares

tf = pytest.importorskip("tensorflow")

pytestmark = pytest.mark.tensorflow

NAME = os.fsdecode(b"caf\xe9\0.png")


class Missing(Squares):
    """Has no file for batch 4."""

    def __getitem__(self, index: int) -> Any:
        if index == 4:
            raise FileNotFoundError(NAME)
        return super().__getitem__(index)


@pytest.mark.parametrize("workers", [0, 2])
def test_text_that_is_no_utf8_arrives(workers: int) -> None:
    from seq2data import to_dataset

    with pytest.raises(tf.errors.OpError) as caught:
        list(to_dataset(Missing(), workers=workers))
    text = str(caught.value)
    assert "batch 4 of `Missing`" in text
    assert r"FileNotFoundError: caf\udce9\0.png" in text
    assert "in __getitem__" in text


def test_copy_keeps_what_the_error_knows() -> None:
    from seq2data.pipeline.error_text import with_printable_text

    plain = ReadError("no", 3, 1, 99, "trace")
    assert with_printable_text(plain) is plain
    found: Any = with_printable_text(ReadError(NAME, 3, 1, 99, NAME))
    assert type(found) is ReadError
    assert (found.index, found.epoch, found.pid) == (3, 1, 99)
    assert str(found) == "\n\n".join([r"caf\udce9\0.png"] * 2)
