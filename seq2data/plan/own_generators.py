"""Seeds the generators that a source has of its own, for one batch.

A generator that was made without a seed draws what follows from (seed, epoch, index),
like the global ones, and from its ordinal, so that two draw different numbers. One that
the user gave a seed stays a function of that: it draws what follows from its state at
the pass's begin, the epoch and the index. Those in equal states draw equal numbers, as
they would without us: an image and its mask may be turned by two generators.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Any, Callable, NamedTuple, Optional

from seq2data.plan.generator_kinds import State, digest_of, known_kind_of


class OwnGenerator(NamedTuple):
    """A generator, and what its random state derives from.

    Attributes:
        generator: The generator.
        ordinal: Tells it from the source's others.
        key: Stands for the state that a seed of the user's has led to; None where there
            was no such seed.
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
        """Gives each generator its ordinal, in their order.

        Args:
            generators: They may share their states.
            state_of: Gives the state that the user left a generator in.
        """
        return cls().joined_by(generators, state_of)

    def joined_by(
        self, generators: Iterable[Any], state_of: Callable[[Any], State]
    ) -> OwnGenerators:
        """These and, behind them, those of some generators that are none of these."""
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
        """Whether there is one that is none of the other's."""
        mine, theirs = self._facts(), other._facts()
        return not {fact[0] for fact in mine} <= {fact[0] for fact in theirs}

    def with_seed(self, entropy: Optional[int]) -> tuple[OwnGenerator, ...]:
        """Those that `seed` seeds."""
        return self._with_key if entropy is None else self.members

    def seed(self, entropy: Optional[int], epoch: int, index: int) -> None:
        """Seeds them for batch `index` in `epoch`.

        Args:
            entropy: The dataset's; without it only those are seeded that the user gave
                a seed.
            epoch: Number of the pass.
            index: Of the batch.
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
