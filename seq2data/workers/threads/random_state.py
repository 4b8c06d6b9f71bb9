"""Gives batches that are read in the program's process random state of their own.

All threads share the random generators, the global ones and the source's, and the
program draws from them, too. So each is restored after it was used.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Sequence
from typing import Any

from seq2data.plan.generator_kinds import State, known_kind_of
from seq2data.plan.generator_walk import find_own
from seq2data.plan.own_generators import OwnGenerators
from seq2data.plan.seeds import GeneratorStates, global_generators, seed_generators
from seq2data.source.adapt import Source
from seq2data.workers.task import Task


class SeededReader:
    """Gives each batch its own random state although all threads share the generators.

    A batch that draws from them is read while no other one is, between seeding and
    restoring them. A source that does not draw is read by all threads at once: its
    first batch shows if it draws, and every other batch is checked.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._own = OwnGenerators()
        self._draws = True
        self._is_fresh = True
        self.look()

    def look(self) -> bool:
        """Finds the source's generators; returns True if they or their seeds differ."""
        before = self._own
        found = [found.generator for found in find_own(self._source)]
        self._own = OwnGenerators.of(found, state_of)
        return before != self._own

    def read(self, task: Task, index: int) -> Any:
        """Reads the batch at `index`."""
        batch = self._read(task, index)
        if self._is_fresh:
            self._is_fresh = False
            before = self._own
            self.look()
            if self._own.has_more_than(before):
                # The first read has made a generator, and drawn from it.
                batch = self._read(task, index)
        return batch

    def _read(self, task: Task, index: int) -> Any:
        own = self._own  # an epoch that begins meanwhile may replace it
        watched = [member.generator for member in own.with_seed(task.entropy)]
        if task.entropy is not None:
            watched += global_generators()
        if not watched:
            return self._source.read(index)
        if task.is_repeatable and not self._draws:
            with _generators.together(watched) as before:
                batch = self._source.read(index)
                if before == GeneratorStates(watched):
                    return batch
            # It drew after all, or another thread did meanwhile: read it again, alone.
        with _generators.alone(watched):
            if task.entropy is not None:
                seed_generators(task.entropy, task.epoch, index)
            own.seed(task.entropy, task.epoch, index)
            seeded = GeneratorStates(watched)
            try:
                return self._source.read(index)
            finally:
                self._draws = seeded != GeneratorStates(watched)

    def expect_draws(self) -> None:
        """Makes the next batch be read alone, although the last one did not draw."""
        self._draws = True


def state_of(generator: Any) -> State:
    """Returns the state that the user left a generator in.

    A thread may be using it.
    """
    return _generators.state_of(generator)


class _Generators:
    """A lock on generators: many batches that do not draw, or one that does.

    The generators are restored after use. A batch that draws goes first, so that
    batches that do not draw cannot keep it out. Waits end when the user code of the
    others returns.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._together = 0
        self._alone = 0
        self._is_taken = False
        # By identity; of those that are in use.
        self._before: dict[int, GeneratorStates] = {}

    @contextlib.contextmanager
    def together(self, generators: Sequence[Any]) -> Iterator[GeneratorStates]:
        """Gives the states of the generators, which stay if no batch draws."""
        with self._changed:
            self._changed.wait_for(lambda: not self._alone)
            before = self._note(generators)
            self._together += 1
        try:
            yield before
        finally:
            with self._changed:
                self._together -= 1
                if not self._together:
                    self._restore()
                self._changed.notify_all()

    @contextlib.contextmanager
    def alone(self, generators: Sequence[Any]) -> Iterator[None]:
        """Waits until no other batch uses the generators, and keeps others out."""
        with self._changed:
            self._alone += 1
            self._changed.wait_for(lambda: not (self._is_taken or self._together))
            self._is_taken = True
            self._note(generators)
        try:
            yield
        finally:
            with self._changed:
                self._restore()
                self._alone -= 1
                self._is_taken = False
                self._changed.notify_all()

    def state_of(self, generator: Any) -> State:
        """Returns the state that the user left a generator in."""
        with self._changed:
            before = self._before.get(_identity(generator))
            return (before or GeneratorStates([generator])).states[0]

    def _note(self, generators: Sequence[Any]) -> GeneratorStates:
        """Returns the states before the first use, which begins now or has begun."""
        parts = []
        for generator in generators:
            identity = _identity(generator)
            part = self._before.get(identity)
            if part is None:
                part = self._before[identity] = GeneratorStates([generator])
            parts.append(part)
        return GeneratorStates.joined(parts)

    def _restore(self) -> None:
        for before in self._before.values():
            before.restore()
        self._before.clear()


def _identity(generator: Any) -> int:
    return id(known_kind_of(generator).identity(generator))


_generators = _Generators()
