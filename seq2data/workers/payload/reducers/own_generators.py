"""Sends a list of the source's own random generators, which the worker seeds.

The generators are pickled with the source. The list comes after the source, and has the
ordinal and the key of each generator. For a generator that was not pickled with the
source it has the path from the source: the generator is in a module or class that the
worker has imported, or `__setstate__` has made it.
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


class GeneratorList:
    """Turns into the source's OwnGenerators when it is unpickled.

    Args:
        source: The source, which is pickled before.
        found: The generators that can be reached from it.
    """

    def __init__(self, source: Any, found: list[Found]) -> None:
        self.source = source
        self.found = found


class _Entry(NamedTuple):
    """A generator in the list.

    Attributes:
        ordinal: Its ordinal.
        key: Its key.
        generator: The generator, if it was pickled with the source.
        path: The path from the source to it, if not.
    """

    ordinal: int
    key: Optional[bytes]
    generator: Any
    path: tuple[Step, ...] = ()


class GeneratorReducer:
    """Reduces random generators and their list, for one pickle.

    Args:
        omits_states: True if their states are left out.
    """

    def __init__(self, omits_states: bool) -> None:
        self._omits_states = omits_states
        self._pickled: dict[int, Any] = {}

    def reduce(self, value: Any) -> Optional[Recipe]:
        """Returns the recipe of a generator or GeneratorList, None to use pickle's."""
        if isinstance(value, GeneratorList):
            return _own_generators, (value.source, self._entries(value.found))
        if any(value is one for one in global_generators()):
            return None
        self._pickled[id(value)] = value
        if not self._omits_states:
            return None
        return _refuse_loading, (type(value).__qualname__,)

    def _entries(self, found: list[Found]) -> list[_Entry]:
        paths = {id(one.generator): one.path for one in found}
        # Generators that were pickled but not found come last.
        all_of_them = [one.generator for one in found] + [*self._pickled.values()]
        entries = []
        for generator, ordinal, key in OwnGenerators.of(all_of_them, state_of).members:
            if id(generator) in self._pickled:
                entries.append(_Entry(ordinal, key, generator))
            else:
                path = paths[id(generator)]
                steps = () if path is None else tuple(path.all_steps())
                if all(_is_sendable(step_key) for _, step_key in steps):
                    entries.append(_Entry(ordinal, key, None, steps))
        return entries


def is_generator(kind: type) -> bool:
    """True if objects of a type are for GeneratorReducer."""
    return kind is GeneratorList or kind_of(kind) is not None


def _is_sendable(key: Any) -> bool:
    if type(key) is tuple:
        return all(map(_is_sendable, key))
    return type(key) in _PLAIN


def _own_generators(source: Any, entries: list[_Entry]) -> OwnGenerators:
    members: dict[int, OwnGenerator] = {}
    for ordinal, key, generator, path in entries:
        here = follow(source, path) if generator is None else generator
        if kind_of(type(here)) is not None:
            identity = id(known_kind_of(here).identity(here))
            members.setdefault(identity, OwnGenerator(here, ordinal, key))
    return OwnGenerators(members.values())


def _refuse_loading(name: str) -> Any:
    raise AssertionError(
        f"a `{name}` was pickled without its state, which is for comparing only"
    )
