"""What seq2data owes for a program, by indexing and arithmetic alone.

The contracts of DESIGN.md: an epoch is a pass, or so many steps of passes one after the
other; `on_epoch_end` comes once for each completed pass, and what it changes is seen
from the next one on; every batch is read once a pass; a validation begins at the first
batch, a generator goes on; errors of the source come out as themselves. None of Keras,
TensorFlow or seq2data is asked.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tests.train.program_run import SEED
from tests.train.program_sources import SHIFT
from tests.train.programs import VALIDATION_FROM, Program
from tests.train.trace_arithmetic import lines_of, step

RAN_OUT = "ran out of data"

_INDEXED = ("sequence", "shifting", "growing", "shrinking", "raising", "dying")


def expected(program: Program, is_keras_3: bool) -> dict[str, Any]:
    """The fields of the program's trace, see `program_run`.

    Args:
        program: What runs.
        is_keras_3: Whether seq2data runs on Keras 3: what Keras does when data run out
            is not seq2data's.
    """
    if not program.trains:
        return _one_run(program)
    return _training(program, _course(program, is_keras_3))


@dataclass
class Course:
    """The epochs of a training.

    Attributes:
        epochs: Number and codes of each.
        hooks: How often `on_epoch_end` of the training source is called in each.
        outcome: What becomes of the call; an error ends the last epoch.
        warnings: Which there are.
    """

    epochs: list[tuple[int, list[int]]] = field(default_factory=list)
    hooks: list[int] = field(default_factory=list)
    outcome: str = "returned"
    warnings: list[str] = field(default_factory=list)


def _course(program: Program, is_keras_3: bool) -> Course:
    if program.length == 0 or (
        program.validation == "finite" and not program.validation_steps
    ):
        # Empty, or it may be endless, and nobody says how many steps to take.
        return Course(outcome="raised SourceError")
    if program.source == "finite":
        return _finite(program, is_keras_3)
    if program.source in ("growing", "shrinking"):
        return _changing(program, is_keras_3)
    course = Course(_epochs(program))
    if program.source in _INDEXED:
        course.hooks = _hooks(program, course.epochs)
    if program.source == "raising":
        course.outcome = "raised KeyError"
    if program.validation == "finite":
        course.outcome = "raised SourceError"  # it ends inside the second validation
    return course


def _finite(program: Program, is_keras_3: bool) -> Course:
    """A generator ends for good: an epoch that would begin there is an error.

    With Keras 3 an epoch in which it ends before the steps are done is one, too.
    """
    course = Course()
    left = list(range(program.length))
    steps = program.steps
    for number in range(program.epochs):
        if not left:
            course.outcome = "raised SourceError"
            course.epochs.append((number, []))
            break
        codes, left = left[:steps], left[steps or len(left) :]
        course.epochs.append((number, codes))
        if steps is None and is_keras_3:
            course.warnings = [RAN_OUT]  # of all data whose number is not known
        if steps is not None and len(codes) < steps:
            if is_keras_3:
                course.outcome = "raised SourceError"
            else:
                course.warnings = [RAN_OUT]
            break
    return course


def _changing(program: Program, is_keras_3: bool) -> Course:
    """Each epoch has the batches that the source has then.

    Keras 3 asks a dataset once for its length: a pass that has more is given up there,
    and so changes the source no more; one that has fewer is data that have run out.
    """
    course = Course()
    length = program.length
    for number in range(program.epochs):
        asked = program.length if is_keras_3 else length
        course.epochs.append((number, list(range(min(asked, length)))))
        course.hooks.append(int(length <= asked))
        if length < asked:
            course.warnings = [RAN_OUT]
        if length <= asked:
            length += 1 if program.source == "growing" else -1
    return course


def _training(program: Program, course: Course) -> dict[str, Any]:
    lines = lines_of(program)
    validations = _validations(program)
    callbacks = ["train_begin"] if course.epochs else []
    history: dict[str, list[float]] = {"epoch": []}
    losses, validated = [], []
    for number, codes in course.epochs:
        callbacks.append(f"epoch_begin {number}")
        parts = np.array([step(program, lines, code) for code in codes])
        losses.append([float(sum(part)) for part in parts])
        callbacks += _batches("train", codes)
        is_last = number == course.epochs[-1][0]
        is_open = is_last and course.outcome != "returned"
        if is_open and not program.validation:
            break
        _log(history, "", parts)
        if program.validation and _is_validated(program, number):
            batches = next(validations)
            validated.append(batches)
            # Keras makes batches of 32 samples of arrays.
            callbacks.append("test_begin")
            callbacks += _batches(
                "test", batches[:1] if program.validation == "arrays" else batches
            )
            if is_open:
                break
            callbacks.append("test_end")
            squares = [[np.mean(s.squares(c)) for s in lines] for c in batches]
            _log(history, "val_", np.array(squares))
        callbacks.append(f"epoch_end {number}")
        history["epoch"].append(number)
    trace: dict[str, Any] = {
        "callbacks": callbacks,
        "losses": losses,
        "outcome": course.outcome,
        "trained": [codes for _, codes in course.epochs],
        "warnings": course.warnings,
        "weights": [
            float(value) for line in lines for value in (*line.kernel, line.bias)
        ],
    }
    if course.outcome == "returned":
        callbacks.append("train_end")
        trace["history"] = history
    if program.validation:
        trace["validated"] = validated
    trace.update(_source_fields(program, course, len(validated)))
    return trace


def _batches(kind: str, codes: list[int]) -> list[str]:
    return [f"{kind} batches 0-{len(codes) - 1}"] if codes else []


def _log(history: dict[str, list[float]], prefix: str, parts: np.ndarray) -> None:
    """Appends the means of losses `[batches, outputs]`."""
    names = ["first_loss", "second_loss"] if parts.shape[1] > 1 else []
    means = [parts.sum(axis=1).mean(), *parts.mean(axis=0)]
    for name, mean in zip(["loss", *names], means):
        history.setdefault(prefix + name, []).append(float(mean))


def _is_validated(program: Program, number: int) -> bool:
    freq = program.validation_freq
    return (number + 1) % freq == 0 if isinstance(freq, int) else number + 1 in freq


def _passes(program: Program) -> Iterator[list[int]]:
    """The codes of one pass after the other."""
    draw = random.Random(SEED)
    for number in itertools.count():
        order = list(range(program.length))
        if program.shuffle:
            draw.shuffle(order)
        start = SHIFT * number if program.source == "shifting" else 0
        yield [start + index for index in order]


def _epochs(program: Program) -> list[tuple[int, list[int]]]:
    """Number and codes of each epoch that is trained."""
    if program.source in _INDEXED:
        stream = itertools.chain.from_iterable(_passes(program))
    else:
        stream = itertools.count()
    epochs = []
    for number in range(program.initial_epoch, program.epochs):
        codes = list(itertools.islice(stream, program.steps or program.length))
        epochs.append((number, codes))
        if program.source == "raising":
            del codes[codes.index(2) :]
            break
        if program.stop == "batch" and number == 1:
            del codes[2:]
            break
        if program.stop == "early_stopping" and number == 1:
            break
    return epochs


def _hooks(program: Program, epochs: list[tuple[int, list[int]]]) -> list[int]:
    """One for each pass whose last batch is in the epoch."""
    before = 0
    hooks = []
    for _, codes in epochs:
        after = before + len(codes)
        hooks.append(after // program.length - before // program.length)
        before = after
    return hooks


def _validations(program: Program) -> Iterator[list[int]]:
    """The codes of one validation after the other."""
    length, steps = program.validation_length, program.validation_steps
    if program.validation == "generator":
        stream = itertools.count(VALIDATION_FROM)
        while True:
            yield list(itertools.islice(stream, steps))
    if program.validation == "finite":
        stream = iter(range(VALIDATION_FROM, VALIDATION_FROM + length))
        while True:
            yield list(itertools.islice(stream, steps))
    while True:
        indices = range(length if steps is None else steps)
        yield [VALIDATION_FROM + index % length for index in indices]


def _source_fields(
    program: Program, course: Course, num_validations: int
) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    if program.source in _INDEXED:
        fields["hooks"] = course.hooks if program.has_passes else sum(course.hooks)
    if program.validation == "sequence":
        steps = program.validation_steps or program.validation_length
        once = steps // program.validation_length
        is_due = [_is_validated(program, number) for number, _ in course.epochs]
        fields["validation_hooks"] = (
            [once * due for due in is_due]
            if program.has_passes
            else once * num_validations
        )
    if program.has_counted_reads:
        fields["reads"] = sorted(
            code % SHIFT for _, codes in course.epochs for code in codes
        )
    return fields


def _one_run(program: Program) -> dict[str, Any]:
    steps = program.steps or program.length
    is_indexed = program.source in _INDEXED
    if program.source == "finite":
        codes = list(range(min(steps, program.length)))
    else:
        codes = [step % program.length if is_indexed else step for step in range(steps)]
    lines = lines_of(program)
    kind = "test" if program.call.startswith("evaluate") else "predict"
    trace: dict[str, Any] = {
        "callbacks": [f"{kind}_begin", *_batches(kind, codes), f"{kind}_end"],
        "outcome": "returned",
        "warnings": [RAN_OUT] if len(codes) < steps else [],
    }
    if kind == "test":
        trace["validated"] = [codes]
        squares = [line.squares(code) for line in lines for code in codes]
        trace["result"] = [float(np.mean(squares))]
    else:
        predicted = [line.predict(code) for line in lines for code in codes]
        trace["result"] = np.concatenate(predicted).tolist()
    if is_indexed:
        trace["hooks"] = len(codes) // program.length
    if program.has_counted_reads:
        trace["reads"] = list(range(program.length))
    return trace
