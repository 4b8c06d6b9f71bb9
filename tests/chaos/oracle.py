"""What a program must tell: plain indexing of its batches, and how its fault ends."""

from __future__ import annotations

import collections
import hashlib
import json
import re
from dataclasses import dataclass, replace
from typing import Any, Optional

import numpy as np

from seq2data.plan.epochs import Plan
from tests.chaos.batches import DESCRIBE, batches_text
from tests.chaos.choices import TIMEOUT_S, Choices
from tests.chaos.faults import ALL, DIES, LATE, MAYBE_LATE
from tests.chaos.habits import HABITS
from tests.chaos.program import EXIT_OF_LEAVING

# A generator cannot be read again, as a batch can.
DIES_WITH_STATE = "an error that says that the generator's worker died"
# Beside `timeout` itself: the start of TensorFlow and the workers, on a busy machine.
_LATE_S = 25.0


@dataclass(frozen=True)
class Expected:
    """What a program must tell.

    Attributes:
        batches: (number of the pass, batch) in their order, up to the error.
        is_prefix: Whether fewer batches are fine where there is an error.
        has_error: Whether an error must follow; None where it may.
        facts: Patterns that the error's text must hold.
        code: Its exit code, if there is no error.
        limit_s: Seconds after which the error is too late.
        excuse: An error with this pattern is always fine; empty if there is none.
    """

    batches: list[tuple[int, Any]]
    is_prefix: bool = False
    has_error: Optional[bool] = False
    facts: tuple[str, ...] = ()
    code: int = 0
    limit_s: Optional[float] = None
    excuse: str = ""


@dataclass(frozen=True)
class Told:
    """What a program has told.

    Attributes:
        batches: As above.
        error: The text of what it caught, or died of; None if there was none.
        code: Its exit code, or minus the signal's number; None if it hung.
        left: Processes and files that it left behind.
        seconds: When the error came; None if nobody knows.
    """

    batches: list[tuple[int, Any]]
    error: Optional[str]
    code: Optional[int]
    left: list[str]
    seconds: Optional[float] = None


def plain(choices: Choices) -> list[Any]:
    """What plain indexing gives, as the program's `describe` tells it."""
    names: dict[str, Any] = {"np": np, "collections": collections, "hashlib": hashlib}
    text = batches_text(
        *(choices.structure, choices.size, choices.dtype),
        *(choices.layout, choices.offset),
    )
    exec(DESCRIBE + text, names)
    names["EXTRA"] = choices.extra
    batches = map(names["batch_of"], range(choices.num_batches))
    return [json.loads(json.dumps(names["describe"](batch))) for batch in batches]


def expected(choices: Choices) -> Expected:
    """What the program must tell."""
    patterns = [HABITS[name].allowed_error for _, name in choices.habits]
    excuse = "|".join(filter(None, patterns))
    return replace(_expected(choices), excuse=excuse)


def _expected(choices: Choices) -> Expected:
    if not choices.num_batches:
        return Expected([], has_error=True, facts=("empty",))
    wanted = _wanted(choices)
    told = plain(choices)
    batches = [(number, told[index]) for number, index in wanted]
    code = EXIT_OF_LEAVING if choices.consumer == "leaves" else 0
    all_is_well = Expected(batches, code=code)
    ends = _ends(choices)
    if ends == ALL:
        return all_is_well
    if ends == MAYBE_LATE:
        this_or_late = replace(all_is_well, is_prefix=True, has_error=None)
        return replace(this_or_late, facts=("timeout",), limit_s=TIMEOUT_S + _LATE_S)
    if choices.at in _read_early(choices):
        return replace(_error_at(choices, ends), batches=[], code=code)
    places = [k for k, (_, index) in enumerate(wanted) if index == choices.at]
    if ends == DIES_WITH_STATE:
        # It may have been read ahead, and nothing after it can be had.
        maybe = None if not places else True
        died = _error_at(choices, ends)
        return replace(died, batches=batches, has_error=maybe, code=code)
    if not places:
        return all_is_well
    return replace(_error_at(choices, ends), batches=batches[: places[0]], code=code)


def _ends(choices: Choices) -> str:
    fault = choices.the_fault
    if fault is None:
        return ALL
    if fault.is_death and choices.source == "generator":
        return DIES_WITH_STATE
    return fault.ends


def _error_at(choices: Choices, ends: str) -> Expected:
    """The error that comes in place of the fault's batch."""
    fault = choices.the_fault
    assert fault is not None
    facts = (*fault.facts, rf"batch {choices.at}\b|batches \[(.*\D)?{choices.at}\D")
    return Expected(
        [],
        # Batches that crossed with it may be lost with the worker.
        is_prefix=ends in (DIES, LATE, DIES_WITH_STATE),
        has_error=True,
        facts=("died|generator",) if ends == DIES_WITH_STATE else facts,
        limit_s=TIMEOUT_S + _LATE_S if ends == LATE else None,
    )


def _read_early(choices: Choices) -> set[int]:
    """Batches that are read by `to_dataset` itself."""
    if choices.source == "generator":
        return {0, 1}
    return {0, choices.num_batches - 1}


def _wanted(choices: Choices) -> list[tuple[int, int]]:
    """(number of the pass, index) of each batch that the consumer gets."""
    wanted = []
    passes = _passes(choices)
    if choices.consumer == "two iterators":
        for pair in zip(*passes[:2]):
            wanted += list(enumerate(pair))
        return wanted
    for number, indices in enumerate(passes):
        if choices.consumer == "leaves":
            return [(0, index) for index in indices[: choices.stop]]
        is_cut = choices.consumer == "take" or (
            choices.consumer == "break" and number == 0
        )
        wanted += [
            (number, index) for index in indices[: choices.stop if is_cut else None]
        ]
    return wanted


def _passes(choices: Choices) -> list[list[int]]:
    """The indices of each pass, in their order."""
    passes = []
    plan = None
    for _ in range(max(2, choices.epochs)):
        if plan is None or choices.consumer == "made again":
            plan = Plan(choices.shuffle, choices.dataset_seed)
        begun = plan.begin(choices.num_batches)
        passes.append(list(begun.indices(0, choices.num_batches)))
    return passes if choices.consumer == "two iterators" else passes[: choices.epochs]


def complaints(expected: Expected, told: Told, catches: bool) -> list[str]:
    """What is wrong with what a program has told; empty if nothing is."""
    if told.code is None:
        return ["hang"]
    if expected.excuse and told.error and re.search(expected.excuse, told.error):
        expected = replace(expected, is_prefix=True, has_error=None, facts=())
    found = []
    same = [a == b for a, b in zip(told.batches, expected.batches)]
    if not all(same) or len(told.batches) > len(expected.batches):
        number = same.index(False) if False in same else len(same)
        found.append(f"wrong batch: number {number}")
    is_short = len(told.batches) < len(expected.batches)
    if is_short and not (expected.is_prefix and told.error is not None):
        counts = f"{len(told.batches)}, not {len(expected.batches)}"
        found.append(f"missing batches: {counts}")
    found += _complaints_of_error(expected, told)
    code = expected.code if told.error is None else int(not catches)
    if told.code != code:
        found.append(f"exit status: {told.code}, not {code}")
    found += [f"left behind: {told.left}"] if told.left else []
    return found


def _complaints_of_error(expected: Expected, told: Told) -> list[str]:
    if told.error is None:
        return ["no error"] if expected.has_error else []
    if expected.has_error is False:
        return ["an error"]
    missing = [fact for fact in expected.facts if not re.search(fact, told.error)]
    found = [f"an error without {fact!r}" for fact in missing]
    if expected.limit_s and told.seconds and told.seconds > expected.limit_s:
        found.append(f"a late error: {told.seconds:.0f} s")
    return found
