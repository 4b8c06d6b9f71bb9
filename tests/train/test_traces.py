"""The programs under seq2data, against the contract's oracle and the legacy traces."""

from __future__ import annotations

import dataclasses
import functools
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.train.known_differences import KNOWN, known_fields
from tests.train.program_sources import Batches
from tests.train.programs import PROGRAMS, Program
from tests.train.record_traces import (
    SYSTEMS,
    TRACES,
    VARIES,
    differences,
    read_traces,
)
from tests.train.trace_arithmetic import losses_of
from tests.train.trace_differences import first_of
from tests.train.trace_oracle import expected

LEGACY = {system: read_traces(system) for system in SYSTEMS}
BY_NAME = {program.name: program for program in PROGRAMS}

every_program = pytest.mark.parametrize("name", list(BY_NAME))
every_system = pytest.mark.parametrize("system", list(SYSTEMS))


def is_same(got: Any, due: Any) -> bool:
    """Equal, floats to about 1e-5."""
    if isinstance(due, dict) and isinstance(got, dict):
        return got.keys() == due.keys() and all(is_same(got[k], due[k]) for k in due)
    if isinstance(due, list) and isinstance(got, list):
        return len(got) == len(due) and all(map(is_same, got, due))
    if isinstance(due, float) and isinstance(got, (float, int)):
        return bool(np.isclose(got, due, rtol=2e-5, atol=1e-5))
    return bool(got == due)


def differing(got: dict[str, Any], due: dict[str, Any]) -> set[str]:
    """The fields in which two traces differ, but for the text of an error.

    Of fields that follow from one another only the first: see `first_of`.
    """
    fields = (got.keys() | due.keys()) - {"message"}
    return first_of(
        {
            field
            for field in fields
            if not is_same(_ordered(field, got), _ordered(field, due))
        }
    )


def _ordered(field: str, trace: dict[str, Any]) -> Any:
    """How often, not when, a batch is read is the same for all numbers of workers."""
    return (
        sorted(trace[field])
        if field == "reads" and field in trace
        else trace.get(field)
    )


@functools.cache
def model_of(nesting: str) -> Any:
    """One for all programs: each sets its weights first."""
    import tensorflow as tf

    from tests.train.program_run import build_model

    return build_model(tf.keras, tf, nesting)


@functools.cache
def keras_sequence() -> Any:
    from tensorflow import keras

    return type("KerasBatches", (Batches, keras.utils.Sequence), {})


@pytest.fixture(params=["function", "patched method"])
def way(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[str]:
    import seq2data

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # of the source that dies
    if request.param == "patched method":
        seq2data.patch_keras()
    yield request.param
    seq2data.unpatch_keras()


def trace_of(program: Program, way: str) -> dict[str, Any]:
    """The program's trace here, by `fit_generator` and its kin or by `fit` and its."""
    from tensorflow import keras

    import seq2data
    from tests.train.program_run import run

    model = model_of(program.nesting)
    method = program.call.removesuffix("_generator")
    if way == "function":
        call = functools.partial(getattr(seq2data, method + "_generator"), model)
    else:
        call = getattr(model, method)
    # Workers would have to load the Keras that the base is of.
    is_plain = way == "function" or program.use_multiprocessing
    sequence_class = Batches if is_plain else keras_sequence()
    trace = run(program, keras, model, call, sequence_class)
    if trace["outcome"] != "returned":
        # Keras 2 would validate the next fit on what this one was validated on.
        model_of.cache_clear()
    return trace


@pytest.mark.tensorflow
@every_program
def test_program_does_what_the_contract_and_the_traces_say(name: str, way: str) -> None:
    pytest.importorskip("tensorflow")
    from tests.keras_version import IS_KERAS_3

    own = trace_of(BY_NAME[name], way)
    due = expected(BY_NAME[name], IS_KERAS_3)
    assert {field: own.get(field) for field in differing(own, due)} == {}, due
    for system, traces in LEGACY.items():
        known = known_fields(system, name, IS_KERAS_3)
        assert differing(own, traces[name]) == known, system


@every_system
def test_trace_holds_every_program(system: str) -> None:
    assert list(LEGACY[system]) == ["about", *BY_NAME]


@every_system
def test_losses_follow_from_the_batches(system: str) -> None:
    """What a legacy system trained on explains its losses: nothing else was done."""
    for name, program in BY_NAME.items():
        trace = LEGACY[system][name]
        if trace.get("trained") == VARIES:
            continue
        due = losses_of(program, trace.get("trained", []))
        assert is_same(trace.get("losses", []), due), name


@pytest.mark.parametrize("is_keras_3", [False, True], ids=["Keras 2", "Keras 3"])
@every_system
def test_differences_are_the_known_ones(system: str, is_keras_3: bool) -> None:
    found, known = {}, {}
    for name, program in BY_NAME.items():
        found[name] = differing(expected(program, is_keras_3), LEGACY[system][name])
        known[name] = known_fields(system, name, is_keras_3)
    assert found == known


@pytest.mark.parametrize("known", KNOWN, ids=lambda known: known.programs)
def test_known_difference_names_programs(known: Any) -> None:
    patterns = known.programs.split()
    assert patterns
    for pattern in patterns:
        assert dataclasses.replace(known, programs=pattern).names, pattern


def test_table_of_the_differences_between_the_legacy_systems() -> None:
    written = (TRACES / "differences.md").read_text().splitlines()
    assert written[-len(differences()) :] == differences()


def test_batches_vary_only_with_threads_that_read_ahead() -> None:
    varying = {
        (system, name)
        for system, traces in LEGACY.items()
        for name, trace in traces.items()
        if trace.get("trained") == VARIES
    }
    assert varying == {
        ("tf.keras-2.15", "shuffle-fewer-steps-t2"),
        ("tf.keras-2.15", "shifting-fewer-steps-t2"),
    }


def test_other_order_is_a_difference() -> None:
    due = expected(BY_NAME["pass-w1"], is_keras_3=True)
    other = {**due, "trained": [[0, 2, 1, 3], *due["trained"][1:]]}
    assert differing(other, due) == {"trained"}
    assert not is_same(losses_of(BY_NAME["pass-w1"], other["trained"]), due["losses"])
