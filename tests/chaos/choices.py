"""Draws the choices of a program from its seed; keeps out those that contradict."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Optional

from tests.chaos.batches import DTYPES, LAYOUTS, SIZES, STRUCTURES
from tests.chaos.faults import FAULTS, Fault
from tests.chaos.habits import AFTER, BEFORE, HABITS, MODULE, READ

_PLACES = (BEFORE, AFTER, MODULE, READ)
_CONSUMERS = {
    "loop": 6,
    "fit": 2,
    "break": 2,
    "two iterators": 2,
    "take": 1,
    "prefetch": 2,
    "made again": 2,
    "thread": 2,
    "leaves": 1,
}
# What is read on is not what was asked for: see `_contradictions`.
_READS_A_GENERATOR = ("loop", "fit", "prefetch", "made again", "thread", "leaves")
TIMEOUT_S = 6.0
LARGE_TIMEOUT_S = 600.0


@dataclass(frozen=True)
class Choices:
    """What one program does.

    Attributes:
        seed: The program's.
        source: `sequence`, `generator` or `list` (with `transform`).
        in_module: Whether the source has a module of its own, or is in `__main__`.
        num_batches: May be 0.
        at: The batch at which the fault happens.
        offset: Makes the values of different programs different.
        extra: What the program sets a global to that its batches are made of.
        stop: Where the consumer breaks out, or how many batches it takes.
        catches: Whether the program catches the error, or dies of it.
        start: `forked` from a server that has imported TensorFlow; or, for a fresh
            interpreter: how it gets the program.
        habits: (place, name), in their order.
    """

    seed: int
    source: str
    in_module: bool
    num_batches: int
    at: int
    offset: int
    extra: int
    structure: str
    size: str
    dtype: str
    layout: str
    epochs: int
    shuffle: bool
    dataset_seed: Optional[int]
    workers: int
    processes: bool
    start_method: str
    max_queue_size: int
    timeout: Optional[float]
    fault: Optional[str]
    consumer: str
    stop: int
    catches: bool
    start: str
    habits: tuple[tuple[str, str], ...]

    @property
    def uses_processes(self) -> bool:
        """Whether other processes read."""
        return self.workers > 0 and self.processes

    @property
    def the_fault(self) -> Optional[Fault]:
        """What goes wrong, if anything does."""
        return FAULTS[self.fault] if self.fault else None

    def told(self) -> dict[str, Any]:
        """For a line of JSON."""
        return asdict(self)


def program_seed(seed: int, number: int) -> int:
    """The seed of a run's program."""
    return random.Random(f"{seed}:{number}").getrandbits(48)


def draw(seed: int) -> Choices:
    """The choices of the program with this seed."""
    chance = random.Random(seed)
    while True:
        choices = _draw(seed, chance)
        if next(contradictions(choices), None) is None:
            return choices


def _draw(seed: int, chance: random.Random) -> Choices:
    num_batches = chance.choice([0, 1, 2, 3, *range(4, 41)])
    fault = chance.choice(list(FAULTS)) if chance.random() < 0.6 else None
    needs_timeout = fault is not None and FAULTS[fault].needs_timeout
    is_common = chance.random() < 0.5
    return Choices(
        seed=seed,
        source=chance.choice(["sequence", "sequence", "generator", "list"]),
        in_module=chance.random() < 0.6,
        num_batches=num_batches,
        at=chance.randrange(num_batches or 1),
        offset=chance.randrange(10**6),
        extra=chance.choice([0, chance.randrange(10**6)]),
        structure=chance.choice(list(STRUCTURES)),
        size=chance.choices(list(SIZES), [6, 3, 1])[0],
        dtype=chance.choice(DTYPES),
        layout=chance.choice(list(LAYOUTS)),
        epochs=chance.randint(1, 3),
        shuffle=chance.random() < 0.25,
        dataset_seed=chance.choice([None, chance.randrange(1000)]),
        workers=2 if is_common else chance.randint(0, 3),
        processes=is_common or chance.random() < 0.6,
        start_method=chance.choice(["fork", "fork", "fork", "exec"]),
        max_queue_size=chance.choice([1, 2, 10, 10, 64]),
        timeout=TIMEOUT_S if needs_timeout else chance.choice([None, LARGE_TIMEOUT_S]),
        fault=fault,
        consumer=chance.choices(list(_CONSUMERS), list(_CONSUMERS.values()))[0],
        stop=chance.randint(1, max(1, num_batches - 1)),
        catches=chance.random() < 0.8,
        start=chance.choices(["forked", "file", "-c", "-O"], [20, 1, 1, 1])[0],
        habits=_habits(chance),
    )


def _habits(chance: random.Random) -> tuple[tuple[str, str], ...]:
    count = chance.choices([0, 1, 2, 3, 4], [1, 4, 3, 2, 1])[0]
    names = chance.sample(list(HABITS), count)
    return tuple((chance.choice(_PLACES), name) for name in names)


def contradictions(choices: Choices) -> Iterator[str]:
    """Why this is no program, or none whose end is known."""
    yield from _contradictions_of_source(choices)
    yield from _contradictions_of_consumer(choices)
    if choices.fault == "keys that are objects" and choices.at == 0:
        yield "it is the first batch that says how all are nested"
    if sum("stdout" in name for _, name in choices.habits) > 1:
        yield "Python itself fails at the end of a Tee over what is closed"
    for place, name in choices.habits:
        yield from _contradictions_of_habit(choices, place, name)


def _contradictions_of_source(choices: Choices) -> Iterator[str]:
    fault = choices.the_fault
    is_generator = choices.source == "generator"
    if choices.size == "5 MB" and choices.num_batches > 10:
        yield "it would take too long"
    if is_generator and choices.shuffle:
        yield "refused: a generator has no indices"
    if is_generator and choices.fault == "StopIteration":
        yield "Python makes a RuntimeError of it"
    if choices.shuffle and choices.dataset_seed is None:
        yield "nobody knows the order"
    if fault is None:
        return
    if not choices.num_batches:
        yield "no batch, no fault"
    if fault.needs_process and not choices.uses_processes:
        yield "the program would be what dies, stops or gets the child"
    if is_generator and fault.ends == "all batches, or an error that says `timeout`":
        yield "a generator has one worker, which is there before"


def _contradictions_of_consumer(choices: Choices) -> Iterator[str]:
    if choices.consumer == "fit" and choices.structure != "pair":
        yield "Keras wants x and y"
    if choices.consumer == "fit" and choices.dtype in ("bool", "complex64"):
        yield "a model may have no such input"
    if choices.source == "generator" and choices.consumer not in _READS_A_GENERATOR:
        yield "all iterators share a generator: where they go on is not this test's"
    if choices.consumer in ("break", "take", "leaves") and choices.num_batches < 2:
        yield "there is no middle"


def _executes(choices: Choices) -> bool:
    names = [choices.fault or "", *(habit for _, habit in choices.habits)]
    return any(kind in name for name in names for kind in ("shell", "execute", "spawn"))


def _contradictions_of_habit(choices: Choices, place: str, name: str) -> Iterator[str]:
    habit = HABITS[name]
    if place not in habit.where:
        yield "it makes no sense there"
    if place == MODULE and not choices.in_module:
        yield "no module is imported"
    if place == READ and not choices.uses_processes and habit.needs_main_thread:
        yield "Python refuses it in the threads that read"
    if place == READ and name in ("forked child", "executed child", "shell child"):
        yield "a child for each process that reads: the faults have one"
    is_in_worker = place == READ and choices.uses_processes
    if name == "warnings as errors" and not is_in_worker:
        yield "TensorFlow and Keras warn in the program"
    if name == "empty environment" and choices.start != "forked":
        yield "PYTHONPATH is how a fresh interpreter finds seq2data"
    if name == "numpy raises" and choices.dtype in ("float16", "complex64"):
        yield "numpy may raise in the program's own digests"
    if name == "too large a variable" and _executes(choices):
        yield "nobody can execute anything then"
    if name == "time stands still" and choices.consumer == "fit":
        yield "Keras divides by the time that a step took"
