"""Seeds a source's own generators for one batch.

A generator that the user gave no seed is seeded from (seed, epoch, index), like the
global ones, and from its ordinal, so that two generators draw different numbers. A
generator that the user gave a seed is seeded from its state when the epoch begins, the
epoch and the index. Generators in equal states draw equal numbers, as they do without
seq2data: two generators may turn an image and its mask by the same angle.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Any, Callable, NamedTuple, Optional

from seq2data.plan.generator_kinds import State, digest_of, known_kind_of


class OwnGenerator(NamedTuple):
    """A generator, and what its random state is derived from.

    Attributes:
        generator: The generator.
        ordinal: The number that distinguishes it from the source's other generators.
        key: A digest of the state that the user's seed has led to; None without a seed.
    """

    generator: Any
    ordinal: int
    key: Optional[bytes]


class OwnGenerators:
    """All generators of a source.

    Args:
        members: The generators; no two share their state.
    """

    def __init__(self, members: Iterable[OwnGenerator] = ()) -> None:
        self.members = tuple(members)
        self._with_key = tuple(m for m in self.members if m.key is not None)

    @classmethod
    def of(
        cls, generators: Iterable[Any], state_of: Callable[[Any], State]
    ) -> OwnGenerators:
        """Returns all of these generators, numbered in their order.

        Args:
            generators: The generators; some may share their state.
            state_of: Returns the state in which the user left a generator.
        """
        return cls().joined_by(generators, state_of)

    def joined_by(
        self, generators: Iterable[Any], state_of: Callable[[Any], State]
    ) -> OwnGenerators:
        """Returns these generators, followed by those of `generators` that are new."""
        members = {_identity(member.generator): member for member in self.members}
        ordinals: dict[Hashable, int] = {}
        first = len(members)
        for generator in generators:
            identity = _identity(generator)
            if identity in members:
                continue
            state = state_of(generator)
            ordinal = ordinals.setdefault(state.value, first + len(ordinals))
            is_seeded = known_kind_of(generator).is_seeded(state)
            key = digest_of(state.value) if is_seeded else None
            members[identity] = OwnGenerator(generator, ordinal, key)
        return OwnGenerators(members.values())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, OwnGenerators):
            return NotImplemented
        return self._facts() == other._facts()

    __hash__ = None  # type: ignore[assignment]  # others may be equal

    def _facts(self) -> list[tuple[int, int, Optional[bytes]]]:
        return [(id(one), ordinal, key) for one, ordinal, key in self.members]

    def has_more_than(self, other: OwnGenerators) -> bool:
        """True if a generator here is not among the other's."""
        mine, theirs = self._facts(), other._facts()
        return not {fact[0] for fact in mine} <= {fact[0] for fact in theirs}

    def with_seed(self, entropy: Optional[int]) -> tuple[OwnGenerator, ...]:
        """Returns the generators that `seed` seeds."""
        return self._with_key if entropy is None else self.members

    def seed(self, entropy: Optional[int], epoch: int, index: int) -> None:
        """Seeds the generators for batch `index` in `epoch`.

        Args:
            entropy: The dataset's entropy. Without it only the generators that the user
                gave a seed are seeded.
            epoch: The number of the epoch.
            index: The index of the batch.
        """
        for generator, ordinal, key in self.with_seed(entropy):
            kind = known_kind_of(generator)
            if key is None:
                digest = digest_of(entropy, epoch, index, ordinal)
            else:
                digest = digest_of(key.hex(), epoch, index)
            kind.seed(generator, digest)


def _identity(generator: Any) -> int:
    return id(known_kind_of(generator).identity(generator))
