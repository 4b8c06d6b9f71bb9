"""The pipeline reads through any kind of worker."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("tensorflow")

from seq2data import to_dataset
from seq2data.pipeline import readers
from seq2data.source.adapt import Source
from tests.sources import Drawing, Epochs, Squares
from tests.workers.inline_pool import InlinePool

pytestmark = pytest.mark.tensorflow


@pytest.fixture(autouse=True)
def inline(monkeypatch: pytest.MonkeyPatch) -> list[InlinePool]:
    """Has every dataset read by the smallest kind of worker that there is."""
    made: list[InlinePool] = []

    def make(source: Source, *_: Any) -> InlinePool:
        made.append(InlinePool(source))
        made[-1].load(source)
        return made[-1]

    monkeypatch.setattr(readers, "_make_pool", make)
    return made


def values(dataset: Any) -> list[Any]:
    return [
        [np.asarray(leaf).tolist() for leaf in batch]
        for batch in dataset.as_numpy_iterator()
    ]


def test_dataset_is_plain_indexing(inline: list[InlinePool]) -> None:
    source = Squares(30)
    plain = [[leaf.tolist() for leaf in source[index]] for index in range(30)]
    dataset = to_dataset(source, workers=2)
    assert [values(dataset), values(dataset)] == [plain, plain]
    assert len(inline) == 1


def test_epochs_end_as_with_any_reader() -> None:
    source = Epochs(4)
    dataset = to_dataset(source, workers=2)
    found = [batch.tolist() for _ in range(2) for batch in dataset.as_numpy_iterator()]
    assert found == [[epoch, index] for epoch in range(2) for index in range(4)]
    assert source.epoch == 2


def test_seed_gives_the_same_batches_as_processes_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    inline = list(to_dataset(Drawing(6), seed=3, workers=2).as_numpy_iterator())
    monkeypatch.undo()
    forked = list(to_dataset(Drawing(6), seed=3, workers=2).as_numpy_iterator())
    assert [batch.tolist() for batch in inline] == [batch.tolist() for batch in forked]
    assert len(inline) == 6
