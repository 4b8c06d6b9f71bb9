"""Seeds the global generators for one batch, from (seed, epoch, index) alone.

The idea comes from Grain's `random_map` (github.com/google/grain): random state belongs
to the batch and not to the worker, so the number of workers cannot change a batch.
Legacy code draws from the global state of `random` and `numpy.random`, so that is what
is seeded here.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Any, Callable, Optional

import numpy as np
import wrapt

from seq2data.plan.generator_kinds import digest_of, known_kind_of


def seed_generators(entropy: int, epoch: int, index: int) -> None:
    """Seeds `random` and `numpy.random` for reading batch `index` in `epoch`."""
    digest = digest_of(entropy, epoch, index)
    np.random.seed(np.frombuffer(digest, np.uint32))
    random.seed(digest)


class FrameworkSeeds:
    """Seeds TensorFlow and torch for each batch, as soon as user code loads them.

    For worker processes only: in the caller's process the training needs their state.
    """

    def __init__(self) -> None:
        self._key: Optional[tuple[int, int, int]] = None
        self._setters: list[Callable[[int], object]] = []
        wrapt.register_post_import_hook(
            lambda tensorflow: self._add(tensorflow.random.set_seed), "tensorflow"
        )
        wrapt.register_post_import_hook(
            lambda torch: self._add(torch.manual_seed), "torch"
        )

    def seed(self, entropy: int, epoch: int, index: int) -> None:
        """Seeds the loaded frameworks for batch `index` in `epoch`.

        A framework that is loaded later is seeded for the batch that was named last.
        """
        self._key = (entropy, epoch, index)
        for setter in self._setters:
            self._set(setter)

    def _add(self, setter: Callable[[int], object]) -> None:
        self._setters.append(setter)
        self._set(setter)

    def _set(self, setter: Callable[[int], object]) -> None:
        if self._key is not None:
            setter(int.from_bytes(digest_of(*self._key)[:7], "little"))


class GeneratorStates:
    """The states of generators at one moment.

    Args:
        generators: The generators; by default the global ones of `random` and
            `numpy.random`.

    Attributes:
        states: The states, in the order of the generators.
    """

    def __init__(self, generators: Optional[Iterable[Any]] = None) -> None:
        if generators is None:
            generators = global_generators()
        self._generators = [(one, known_kind_of(one)) for one in generators]
        self.states = [kind.state(one) for one, kind in self._generators]

    @classmethod
    def joined(cls, parts: Iterable[GeneratorStates]) -> GeneratorStates:
        """Returns the states of all parts, which may be from different moments."""
        whole = cls(())
        for part in parts:
            whole._generators += part._generators
            whole.states += part.states
        return whole

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, GeneratorStates):
            return NotImplemented
        mine, theirs = self.states, other.states
        return [state.value for state in mine] == [state.value for state in theirs]

    __hash__ = None  # type: ignore[assignment]  # two moments may compare equal

    def restore(self) -> None:
        """Sets these states again."""
        for (generator, kind), state in zip(self._generators, self.states):
            kind.restore(generator, state)


def global_generators() -> tuple[Any, Any]:
    """Returns the generators behind the functions of `random` and `numpy.random`."""
    return random._inst, np.random.mtrand._rand
