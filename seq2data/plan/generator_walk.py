"""Finds the random generators that a source reaches, without running the user's code.

The search begins at the source. In objects of all libraries it looks into attributes,
slots, containers, closures, defaults, bound methods and partials. In the user's own
modules it also looks into class attributes and into the globals that functions use. It
runs before each epoch, so objects without generators must be passed over quickly.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Any, NamedTuple, Optional

from seq2data.plan.generator_kinds import kind_of
from seq2data.plan.object_parts import Look, Step, looks_of
from seq2data.plan.seeds import global_generators
from seq2data.source.adapt import Source
from seq2data.source.indexable import Indexable


class Path(NamedTuple):
    """The steps from the source to an object."""

    before: Optional[Path]
    steps: tuple[Step, ...]

    def all_steps(self) -> list[Step]:
        """Returns the steps, from the source on."""
        path: Optional[Path] = self
        steps: list[Step] = []
        while path is not None:
            steps += reversed(path.steps)
            path = path.before
        return steps[::-1]


class Found(NamedTuple):
    """A generator that the source reaches.

    Attributes:
        generator: The generator.
        path: The steps to it; None if it is the source itself.
    """

    generator: Any
    path: Optional[Path]


def find_own(source: Source) -> list[Found]:
    """Returns the generators that are seeded for each batch.

    A generator function has none: its items do not depend on their index alone, so its
    random state continues from one item to the next.
    """
    return find_generators(source) if isinstance(source, Indexable) else []


def find_in_attributes(source: Source) -> list[Any]:
    """Returns the generators that are attributes of the user's objects in a source.

    The search does not look inside of other attributes. To touch an object copies its
    page of memory, which a worker shares with others.
    """
    parts = source.sent_parts().values() if isinstance(source, Indexable) else ()
    values = [
        value for part in parts for value in getattr(part, "__dict__", {}).values()
    ]
    known = {id(one) for one in global_generators()}
    return [
        value for value in values if kind_of(type(value)) and id(value) not in known
    ]


def find_generators(source: Any) -> list[Found]:
    """Returns the generators that a source reaches, in the same order every time."""
    found = []
    # By identity. A reference is kept, or another object might get the same identity.
    seen: dict[int, Any] = {id(one): one for one in global_generators()}
    looks: dict[int, Optional[tuple[Look, ...]]] = {}
    queue: deque[tuple[Any, Optional[Path]]] = deque([(source, None)])
    while queue:
        value, path = queue.popleft()
        if id(value) in seen:
            continue
        seen[id(value)] = value
        kind = type(value)
        if id(kind) not in looks:
            looks[id(kind)] = None if kind_of(kind) else tuple(looks_of(kind))
            queue.append((kind, Path(path, ((False, "__class__"),))))
        ways = looks[id(kind)]
        if ways is None:
            found.append(Found(value, path))
            continue
        for look in ways:
            for steps, part in look(value):
                if id(part) not in seen:
                    queue.append((part, Path(path, steps)))
    return found


def follow(source: Any, steps: Iterable[Step]) -> Any:
    """Returns the object at the end of a path, None if the path does not exist here."""
    value = source
    try:
        for is_item, key in steps:
            value = value[key] if is_item else getattr(value, key)
    except Exception:  # noqa: BLE001  # user code may run, and raise anything
        return None
    return value
