"""Iterators of Keras 2's time: with `__next__` alone, or with Python 2's `next`.

Keras 2.3 called `next(generator)` and nothing else, so it took the former.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

import seq2data  # noqa: E402
from seq2data.train.enqueuers import GeneratorEnqueuer  # noqa: E402
from tests.train.sources import Numbered  # noqa: E402
from tests.train.test_generator_methods import recorder  # noqa: E402

pytestmark = pytest.mark.tensorflow

LENGTH = 12


class NextAlone:
    """Gives batches 0, 1, 2, ..."""

    def __init__(self) -> None:
        self.index = -1

    def __next__(self) -> Any:
        self.index += 1
        if self.index == LENGTH:
            raise StopIteration
        return Numbered(LENGTH)[self.index]


class OldNext:
    """The same by Python 2's method; written before Keras took `__iter__`."""

    def __init__(self) -> None:
        self.iterator = NextAlone()

    def next(self) -> Any:
        return next(self.iterator)


class OldIterator(OldNext):
    """Python 2's iterator, whole: `iter()` of Python 3 refuses it."""

    def __iter__(self) -> OldIterator:
        return self


class OldIterable:
    """Gives a new old iterator each time."""

    def __iter__(self) -> OldIterator:
        return OldIterator()


def dynamic() -> Any:
    """One whose `next` is an attribute of the instance."""
    iterator = OldNext()
    holder = type("Holder", (), {})()
    holder.next = iterator.next
    return holder


def locked() -> Any:
    """The thread-safe wrapper that people copied, which has both."""

    class Locked(NextAlone):
        def __iter__(self) -> Any:
            return self

        def next(self) -> Any:
            raise AssertionError("`__next__` comes first")

    return Locked()


KINDS: dict[str, Any] = {
    "__next__ alone": NextAlone,
    "next alone": OldNext,
    "next and __iter__": OldIterator,
    "next of the instance": dynamic,
    "both": locked,
}
every_kind = pytest.mark.parametrize("kind", KINDS)


def indices(dataset: Any) -> list[int]:
    return [int(x[0, 0]) for x, _ in dataset]


@every_kind
def test_dataset_gives_the_items_to_their_end(
    kind: str, mode: dict[str, object]
) -> None:
    dataset = seq2data.to_dataset(KINDS[kind](), **mode)
    assert indices(dataset) == list(range(LENGTH))
    with pytest.raises(tf.errors.OpError, match="cannot begin again"):
        list(dataset)


@pytest.mark.parametrize("make", [OldIterator, NextAlone, OldIterable], ids=str)
def test_function_that_returns_one_is_called_for_each_pass(
    make: Any, mode: dict[str, object]
) -> None:
    dataset = seq2data.to_dataset(lambda: make(), **mode)
    assert [indices(dataset) for _ in range(2)] == [list(range(LENGTH))] * 2


def test_iterable_that_gives_old_iterators_begins_anew() -> None:
    dataset = seq2data.to_dataset(OldIterable(), workers=0)
    assert [indices(dataset) for _ in range(2)] == [list(range(LENGTH))] * 2


@every_kind
@pytest.mark.parametrize("way", ["function", "patched method"])
@pytest.mark.usefixtures("patched")
def test_each_call_reads_one(kind: str, way: str) -> None:
    model, make = recorder(), KINDS[kind]
    if way == "function":
        fit, evaluate, predict = (
            lambda *args, call=call, **kwargs: call(model, *args, **kwargs)
            for call in (
                seq2data.fit_generator,
                seq2data.evaluate_generator,
                seq2data.predict_generator,
            )
        )
    else:
        fit, evaluate, predict = model.fit, model.evaluate, model.predict
    fit(
        make(),
        steps_per_epoch=3,
        epochs=2,
        verbose=0,
        validation_data=make(),
        validation_steps=2,
    )
    assert model.seen == [0, 1, 2, -1, -2, 3, 4, 5, -3, -4]
    evaluate(make(), steps=3, verbose=0)
    assert model.seen[-3:] == [-1, -2, -3]
    predicted = predict(make(), steps=3, verbose=0)
    due = model.predict(np.repeat(range(3), 4)[:, None] * np.ones(3), verbose=0)
    np.testing.assert_allclose(predicted, due, rtol=1e-5)


@every_kind
def test_validation_on_one_needs_steps(kind: str) -> None:
    with pytest.raises(seq2data.SourceError, match="pass `validation_steps`"):
        seq2data.fit_generator(
            recorder(), Numbered(2), validation_data=KINDS[kind](), verbose=0
        )


@every_kind
def test_enqueuer_reads_one(kind: str) -> None:
    enqueuer = GeneratorEnqueuer(KINDS[kind]())
    enqueuer.start(2)
    assert indices(enqueuer.get()) == list(range(LENGTH))
    enqueuer.stop()


def test_two_readers_of_one_iterator_take_turns() -> None:
    iterator = OldNext()
    one, other = (iter(seq2data.to_dataset(iterator, workers=0)) for _ in range(2))
    got = [int(next(which)[0][0, 0]) for _ in range(2) for which in (one, other)]
    assert len(set(got)) == 4


@pytest.mark.usefixtures("patched")
def test_batch_size_beside_a_generator_has_no_meaning_as_in_keras_2() -> None:
    """Keras 2.15 takes it and reads the batches as they come (tried)."""
    model = recorder()
    model.fit(OldIterator(), batch_size=32, steps_per_epoch=3, verbose=0)
    assert model.seen == [0, 1, 2]
    model.evaluate(NextAlone(), batch_size=32, steps=2, verbose=0)
    assert model.seen[3:] == [-1, -2]
    assert model.predict(zip([np.ones((4, 3))] * 2), batch_size=32, steps=2).shape == (
        8,
        1,
    )
    model.fit(Numbered(2), batch_size=7, shuffle=False, verbose=0, workers=2)
    assert model.seen[5:] == [0, 1]
    with pytest.raises(ValueError, match="y"):
        model.fit(NextAlone(), np.ones(3), batch_size=32, verbose=0)


def test_batch_size_of_a_dataset_gathers_samples_of_a_generator(
    mode: dict[str, object],
) -> None:
    samples = [(np.full(3, i, np.float32), i, f"s{i}") for i in range(7)]
    dataset = seq2data.to_dataset((s for s in samples), batch_size=3, **mode)
    got = [(x.numpy().tolist(), y.numpy().tolist(), z.numpy()) for x, y, z in dataset]
    assert [y for _, y, _ in got] == [[0, 1, 2], [3, 4, 5], [6]]
    assert got[1][0] == [[3.0] * 3, [4.0] * 3, [5.0] * 3]
    assert got[2][2].tolist() == [b"s6"]
