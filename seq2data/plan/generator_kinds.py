"""Reads, restores and seeds each kind of random generator.

    numpy     `Generator`, `RandomState` and bit generators
    random    `random.Random` and its subclasses
    torch     `torch.Generator`, once torch is loaded
    tf        `tf.random.Generator`, once TensorFlow is loaded

The global generators of `random` and `numpy.random` are of the same kinds. They are
seeded for each batch even if the user gave them a seed.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import random
from abc import ABC, abstractmethod
from collections.abc import Hashable
from typing import Any, NamedTuple, Optional

import numpy as np
import wrapt

from seq2data.plan.mersenne_twister import has_short_key

# Without a seed a library draws one of this length. A seed of the user that is as long
# is taken for a drawn one.
_NUMPY_DRAWS_BITS = 128
_TORCH_DRAWS_BITS = 64
_LONGEST_CHANCE = 32  # leading zeros: a drawn seed has so many once in 4 billion draws
_TORCH_DEFAULT_SEED = 67280421310721


class State(NamedTuple):
    """The state of a generator, from which its next numbers follow.

    Attributes:
        raw: The state in the generator's own form.
        value: A value that is equal for equal states, also in another process.
        origin: What else the generator keeps about its seed.
    """

    raw: Any
    value: Hashable
    origin: Any = None


class Kind(ABC):
    """Reads, restores and seeds the generators of one kind."""

    @abstractmethod
    def state(self, generator: Any) -> State:
        """Returns the current state."""

    @abstractmethod
    def restore(self, generator: Any, state: State) -> None:
        """Sets a state that the generator had before."""

    @abstractmethod
    def seed(self, generator: Any, digest: bytes) -> None:
        """Sets a state that follows from 16 bytes."""

    @abstractmethod
    def is_seeded(self, state: State) -> bool:
        """True if the state follows from a seed of the user's."""

    def identity(self, generator: Any) -> Any:
        """Returns the object that holds the state, which generators may share."""
        return generator


class _Numpy(Kind):
    """Bit generators."""

    def state(self, generator: Any) -> State:
        raw = generator.state
        return State(raw, _hashable(raw), _seed_of(generator))

    def restore(self, generator: Any, state: State) -> None:
        generator.state = state.raw

    def seed(self, generator: Any, digest: bytes) -> None:
        generator.state = type(generator)(np.frombuffer(digest, np.uint32)).state

    def is_seeded(self, state: State) -> bool:
        # Without a SeedSequence it was `RandomState(number)`, or `seed(number)`.
        entropy = getattr(state.origin, "entropy", None)
        return not _is_drawn(entropy, _NUMPY_DRAWS_BITS)


class _NumpyGenerator(_Numpy):
    """`Generator`, whose bit generator holds the state."""

    def identity(self, generator: Any) -> Any:
        return generator.bit_generator

    def state(self, generator: Any) -> State:
        return super().state(generator.bit_generator)

    def restore(self, generator: Any, state: State) -> None:
        super().restore(generator.bit_generator, state)

    def seed(self, generator: Any, digest: bytes) -> None:
        super().seed(generator.bit_generator, digest)


class _NumpyRandomState(_Numpy):
    """`RandomState`, whose state has one normal number beside the bit generator's."""

    def identity(self, generator: Any) -> Any:
        return generator._bit_generator

    def state(self, generator: Any) -> State:
        raw = generator.get_state(legacy=False)
        return State(raw, _hashable(raw), _seed_of(generator._bit_generator))

    def restore(self, generator: Any, state: State) -> None:
        generator.set_state(state.raw)

    def seed(self, generator: Any, digest: bytes) -> None:
        words = np.frombuffer(digest, np.uint32)
        bits = generator._bit_generator
        if type(bits) is not np.random.MT19937:
            other = np.random.RandomState(type(bits)(words))
        elif _seed_of(bits) is None:
            generator.seed(words)
            return
        else:  # its `seed` deletes the SeedSequence, by which `is_seeded` judges
            other = np.random.RandomState(words)
        generator.set_state(other.get_state(legacy=False))


class _Random(Kind):
    """`random.Random`."""

    def state(self, generator: Any) -> State:
        state = generator.getstate()
        return State(state, state)

    def restore(self, generator: Any, state: State) -> None:
        generator.setstate(state.raw)

    def seed(self, generator: Any, digest: bytes) -> None:
        generator.seed(digest)

    def is_seeded(self, state: State) -> bool:
        _, words, _ = state.raw
        return has_short_key(np.array(words[:-1], np.uint32).tobytes())


class _Torch(Kind):
    """`torch.Generator`; its state is a tensor of bytes."""

    def state(self, generator: Any) -> State:
        raw = generator.get_state()
        return State(raw, raw.numpy().tobytes(), generator.initial_seed())

    def restore(self, generator: Any, state: State) -> None:
        generator.set_state(state.raw)

    def seed(self, generator: Any, digest: bytes) -> None:
        generator.manual_seed(int.from_bytes(digest[:7], "little"))

    def is_seeded(self, state: State) -> bool:
        # `Generator.seed()` draws a seed: then the user gave none.
        seed = state.origin
        return seed != _TORCH_DEFAULT_SEED and not _is_drawn(seed, _TORCH_DRAWS_BITS)


class _TensorFlow(Kind):
    """`tf.random.Generator`; its state is a counter and, as the last word, a key."""

    def state(self, generator: Any) -> State:
        raw = generator.state.numpy()
        return State(raw, (raw.dtype.str, raw.tobytes()))

    def restore(self, generator: Any, state: State) -> None:
        generator.reset(state.raw)

    def seed(self, generator: Any, digest: bytes) -> None:
        state = np.zeros_like(generator.state.numpy())
        state[0], state[-1] = np.frombuffer(digest, state.dtype)
        generator.reset(state)

    def is_seeded(self, state: State) -> bool:
        # A seed fills one word. Without one all words are drawn, and none is 0.
        return 0 in state.raw[1:]


def _seed_of(bits: Any) -> Any:
    """Returns the SeedSequence of a bit generator, None if it has none."""
    # The attribute is public from numpy 1.25 on.
    return getattr(bits, "seed_seq", getattr(bits, "_seed_seq", None))


def _is_drawn(seed: Any, bits: int) -> bool:
    """True if a library has drawn the seed itself."""
    return isinstance(seed, int) and seed >> (bits - _LONGEST_CHANCE) > 0


def _hashable(value: Any) -> Hashable:
    if isinstance(value, dict):
        return tuple((key, _hashable(item)) for key, item in value.items())
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.tobytes()
    return value  # type: ignore[no-any-return]  # numbers and names are


_kinds: dict[type, Kind] = {
    np.random.Generator: _NumpyGenerator(),
    np.random.RandomState: _NumpyRandomState(),
    np.random.BitGenerator: _Numpy(),
    random.Random: _Random(),
}


def kind_of(type: type) -> Optional[Kind]:
    """Returns the kind of a type's objects, None if they are no generators."""
    with contextlib.suppress(TypeError):  # a metaclass has made it unhashable
        for base in type.__mro__:
            if base in _kinds:
                return _kinds[base]
            if "getstate" in vars(base):  # such as `SystemRandom`, which has no state
                return None
    return None


def known_kind_of(generator: Any) -> Kind:
    """Returns the kind of an object that is a generator."""
    kind = _kinds.get(type(generator)) or kind_of(type(generator))
    assert kind is not None
    return kind


def digest_of(*parts: object) -> bytes:
    """Returns 16 bytes that depend on each part's `repr` only, and look random."""
    # It takes a third of the time of numpy's SeedSequence, and mixes as well.
    text = " ".join(map(repr, parts))
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


def _add(kind: Kind, library: Any) -> None:
    generators = library.random if hasattr(library.random, "Generator") else library
    _kinds[generators.Generator] = kind


wrapt.register_post_import_hook(functools.partial(_add, _Torch()), "torch")
wrapt.register_post_import_hook(functools.partial(_add, _TensorFlow()), "tensorflow")
