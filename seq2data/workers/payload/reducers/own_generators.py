"""A source's own random generators: the worker is told which they are.

They are pickled as what they are. After the source comes a list of them, each with its
ordinal and key. One that was not pickled with the source is found on its path: it is in
a module or a class that the worker has imported, or was made anew by `__setstate__`.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Optional

from seq2data.plan.generator_kinds import kind_of, known_kind_of
from seq2data.plan.generator_walk import Found, follow
from seq2data.plan.object_parts import Step
from seq2data.plan.own_generators import OwnGenerator, OwnGenerators
from seq2data.plan.seeds import global_generators
from seq2data.workers.payload.registry import Recipe
from seq2data.workers.threads.random_state import state_of

_PLAIN = (bool, int, float, str, bytes, type(None))


class Generators:
    """Becomes a source's OwnGenerators when it is unpickled.

    Args:
        source: What was pickled before.
        found: The generators that it reaches.
    """

    def __init__(self, source: Any, found: list[Found]) -> None:
        self.source = source
        self.found = found


class _Entry(NamedTuple):
    """A generator on its way.

    Attributes:
        ordinal: Its ordinal.
        key: Its key.
        generator: Itself, where it was pickled with the source.
        path: The way to it, where it was not.
    """

    ordinal: int
    key: Optional[bytes]
    generator: Any
    path: tuple[Step, ...] = ()


class Met:
    """The generators that a pickler has met.

    Args:
        omits_states: Whether they are all pickled alike, whatever they draw next.
    """

    def __init__(self, omits_states: bool) -> None:
        self._omits_states = omits_states
        self._generators: dict[int, Any] = {}

    def reduce(self, value: Any) -> Optional[Recipe]:
        """The recipe of a generator, or of a Generators; None for pickle's own."""
        if isinstance(value, Generators):
            return _arrive, (value.source, self._entries(value.found))
        if any(value is one for one in global_generators()):
            return None
        self._generators[id(value)] = value
        return (_alike, (type(value).__qualname__,)) if self._omits_states else None

    def _entries(self, found: list[Found]) -> list[_Entry]:
        paths = {id(one.generator): one.path for one in found}
        # Those that only the pickler has met come last.
        all_of_them = [one.generator for one in found] + [*self._generators.values()]
        entries = []
        for generator, ordinal, key in OwnGenerators.of(all_of_them, state_of).members:
            if id(generator) in self._generators:
                entries.append(_Entry(ordinal, key, generator))
            else:
                path = paths[id(generator)]
                steps = () if path is None else tuple(path.all_steps())
                if all(_is_sendable(step_key) for _, step_key in steps):
                    entries.append(_Entry(ordinal, key, None, steps))
        return entries


def is_met(kind: type) -> bool:
    """Whether objects of a type are shown to Met."""
    return kind is Generators or kind_of(kind) is not None


def _is_sendable(key: Any) -> bool:
    if type(key) is tuple:
        return all(map(_is_sendable, key))
    return type(key) in _PLAIN


def _arrive(source: Any, entries: list[_Entry]) -> OwnGenerators:
    members: dict[int, OwnGenerator] = {}
    for ordinal, key, generator, path in entries:
        here = follow(source, path) if generator is None else generator
        if kind_of(type(here)) is not None:
            identity = id(known_kind_of(here).identity(here))
            members.setdefault(identity, OwnGenerator(here, ordinal, key))
    return OwnGenerators(members.values())


def _alike(name: str) -> Any:
    raise AssertionError(f"a `{name}` without its state is for comparing only")
