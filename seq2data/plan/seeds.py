"""Seeds the global generators for one batch, from (seed, epoch, index) alone.

The idea is Grain's `random_map` (github.com/google/grain): random state belongs to the
batch and not to the worker, so the number of workers cannot change a batch. Here it is
applied to the global state of `random` and `numpy.random`: legacy code draws from it.
"""

from __future__ import annotations

import hashlib
import random
from typing import Any, Callable, Optional

import numpy as np
import wrapt


def seed_generators(entropy: int, epoch: int, index: int) -> None:
    """Seeds `random` and `numpy.random` for reading batch `index` in `epoch`."""
    digest = _digest(entropy, epoch, index)
    np.random.seed(np.frombuffer(digest, np.uint32))
    random.seed(digest)


class FrameworkSeeds:
    """Seeds TensorFlow and torch for each batch, from the moment user code loads them.

    For worker processes only: in the caller's process these belong to the training.
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
        """Seeds what is loaded, and what will be, for batch `index` in `epoch`."""
        self._key = (entropy, epoch, index)
        for setter in self._setters:
            self._set(setter)

    def _add(self, setter: Callable[[int], object]) -> None:
        self._setters.append(setter)
        self._set(setter)

    def _set(self, setter: Callable[[int], object]) -> None:
        if self._key is not None:
            setter(int.from_bytes(_digest(*self._key)[:7], "little"))


def _digest(entropy: int, epoch: int, index: int) -> bytes:
    # A hash is a third of the cost of numpy's SeedSequence, and as far from chance.
    key = f"{entropy} {epoch} {index}".encode()
    return hashlib.blake2b(key, digest_size=16).digest()


class GeneratorStates:
    """The global states of both generators at one moment."""

    def __init__(self) -> None:
        self._random = random.getstate()
        self._numpy: Any = np.random.get_state()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, GeneratorStates):
            return NotImplemented
        mine, theirs = self._numpy, other._numpy
        return (
            self._random == other._random
            and mine[2:] == theirs[2:]
            and bool(np.array_equal(mine[1], theirs[1]))
        )

    __hash__ = None  # type: ignore[assignment]  # two moments may compare equal

    def restore(self) -> None:
        """Makes them the current states again."""
        random.setstate(self._random)
        np.random.set_state(self._numpy)
