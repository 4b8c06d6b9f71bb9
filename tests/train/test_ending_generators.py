"""Generators and generator functions that end early, late, or with an epoch.

What Keras does was tried with native methods, Keras 2.10 and 2.15 alike: a generator
that ends before its steps stops the training, with a warning; nothing takes a function.
"""

from __future__ import annotations

import functools
from typing import Any

import pytest

tf = pytest.importorskip("tensorflow")

import seq2data  # noqa: E402
from tests.keras_version import IS_KERAS_3  # noqa: E402
from tests.train.sources import FUNCTIONS, Numbered, items  # noqa: E402
from tests.train.test_generator_methods import recorder  # noqa: E402

pytestmark = pytest.mark.tensorflow

WAYS = [{"workers": 0}, {"workers": 2}, {"workers": 1, "use_multiprocessing": True}]
every_way = pytest.mark.parametrize("way", WAYS, ids=str)
# Keras 3 says so at the end of everything whose number it was not told.
may_run_out = pytest.mark.filterwarnings("ignore:Your input ran out of data")
NO_RESTART = "pass the function that makes it"


def fit(source: Any, steps: Any, epochs: int, **arguments: Any) -> list[int]:
    model = recorder()
    seq2data.fit_generator(model, source, steps, epochs, verbose=0, **arguments)
    return model.seen


@pytest.mark.parametrize("kind", FUNCTIONS)
@every_way
def test_function_is_called_again_at_each_end(kind: str, way: dict[str, Any]) -> None:
    function = FUNCTIONS[kind](4)
    assert fit(function, 4, 3, **way) == [0, 1, 2, 3] * 3


@every_way
@pytest.mark.parametrize("num_items", [1, 2, 3, 5, 7, 11])
def test_epochs_of_a_function_go_on_through_its_runs(
    num_items: int, way: dict[str, Any]
) -> None:
    seen = fit(functools.partial(items, num_items), 4, 3, **way)
    assert seen == [step % num_items for step in range(12)]


@may_run_out
@every_way
def test_epoch_of_a_function_without_steps_is_a_run(way: dict[str, Any]) -> None:
    assert fit(functools.partial(items, 3), None, 3, **way) == [0, 1, 2] * 3


def test_function_that_gives_its_one_generator_again_is_refused() -> None:
    generator = items(4)
    with pytest.raises(seq2data.SourceError, match="make a new generator each time"):
        fit(lambda: generator, 4, 3)


@every_way
@pytest.mark.parametrize(
    ("num_items", "steps", "epochs"),
    [(4, 4, 2), (8, 4, 3), (6, 4, 2), (3, 4, 1), (1, 2, 3), (5, 5, 2)],
)
def test_generator_that_ends_before_its_steps(
    num_items: int, steps: int, epochs: int, way: dict[str, Any]
) -> None:
    model = recorder()
    arguments = {"epochs": epochs, "verbose": 0, **way}
    if IS_KERAS_3:
        with pytest.raises(seq2data.SourceError, match=NO_RESTART) as caught:
            seq2data.fit_generator(model, items(num_items), steps, **arguments)
        assert f"came to its end after {num_items} batches" in str(caught.value)
    else:
        seq2data.fit_generator(model, items(num_items), steps, **arguments)
    assert model.seen == list(range(num_items))


@may_run_out
@every_way
def test_generator_with_just_enough_ends_well(way: dict[str, Any]) -> None:
    assert fit(items(8), 4, 2, **way) == list(range(8))
    assert fit(items(6), 3, 4, initial_epoch=2, **way) == list(range(6))
    assert fit(items(5), None, 1, **way) == list(range(5))


@may_run_out
@pytest.mark.usefixtures("patched")
def test_patched_fit_takes_a_function_too() -> None:
    model = recorder()
    model.fit(functools.partial(items, 3), steps_per_epoch=4, epochs=2, verbose=0)
    assert model.seen == [0, 1, 2, 0, 1, 2, 0, 1]
    model.evaluate(lambda: items(3), verbose=0)
    assert model.seen[8:] == [-1, -2, -3]
    assert model.predict(functools.partial(items, 2), steps=5).shape == (20, 1)


@pytest.mark.parametrize(
    ("num_items", "steps", "epochs"), [(3, 2, 2), (1, 2, 1), (2, 2, 2), (5, 3, 4)]
)
def test_generator_that_ends_inside_a_validation_is_an_error(
    num_items: int, steps: int, epochs: int
) -> None:
    """Keras 2 has a short validation, and then none any more."""
    model = recorder()
    with pytest.raises(seq2data.SourceError, match=NO_RESTART) as caught:
        seq2data.fit_generator(
            model,
            Numbered(1),
            epochs=epochs,
            validation_data=items(num_items),
            validation_steps=steps,
            verbose=0,
        )
    assert f"came to its end after {num_items} batches" in str(caught.value)
    assert [-1 - code for code in model.seen if code < 0] == list(range(num_items))


def test_validation_on_arrays_of_a_training_is_checked_as_well(patched: None) -> None:
    x, y = Numbered(1)[0]
    with pytest.raises(seq2data.SourceError, match="validation_steps=2"):
        recorder().fit(
            x, y, epochs=2, validation_data=items(3), validation_steps=2, verbose=0
        )


@may_run_out
@pytest.mark.parametrize(
    ("steps", "due"),
    [(2, [0, 1, 2, 0]), (3, [0, 1, 2] * 2), (4, [0, 1, 2, 0, 1, 2, 0, 1]), (None, [])],
)
def test_validation_function_is_called_again(steps: Any, due: list[int]) -> None:
    model = recorder()
    seq2data.fit_generator(
        model,
        Numbered(1),
        epochs=2,
        validation_data=functools.partial(items, 3),
        validation_steps=steps,
        verbose=0,
    )
    got = [-1 - code for code in model.seen if code < 0]
    assert got == (due or [0, 1, 2] * 2)


@every_way
def test_evaluation_and_prediction_take_what_there_is(way: dict[str, Any]) -> None:
    """As Keras 2, which warns in its log; Keras 3 does with a warning."""
    model = recorder()
    model.predict(Numbered(1)[0][0], verbose=0)
    for call in (seq2data.evaluate_generator, seq2data.predict_generator):
        if IS_KERAS_3:
            with pytest.warns(UserWarning, match="ran out of data"):
                result = call(model, items(3), 5, **way)
        else:
            result = call(model, items(3), 5, **way)
    assert model.seen == [-1, -2, -3]
    assert result.shape == (12, 1)


@may_run_out
@every_way
def test_evaluation_and_prediction_call_a_function_again(way: dict[str, Any]) -> None:
    model, function = recorder(), functools.partial(items, 3)
    seq2data.evaluate_generator(model, function, 7, **way)
    assert model.seen == [-1, -2, -3, -1, -2, -3, -1]
    assert seq2data.predict_generator(model, function, 7, **way).shape == (28, 1)
    assert seq2data.predict_generator(model, function, **way).shape == (12, 1)


def test_dataset_of_the_user_is_as_before_after_a_call() -> None:
    dataset = seq2data.to_dataset(items(9), workers=0)
    assert fit(dataset, 2, 2) == [0, 1, 2, 3]
    assert [int(x[0, 0]) for x, _ in dataset] == [4, 5, 6, 7, 8]
    dataset = seq2data.to_dataset(functools.partial(items, 3), workers=0)
    assert fit(dataset, 2, 2) == [0, 1, 2, 0]
    assert [int(x[0, 0]) for x, _ in dataset] == [1, 2]
