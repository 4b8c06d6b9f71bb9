"""Computes orders of more indices than fit into memory.

Some Sequences have a `__len__` of 2**63 - 1 and draw what they return. Each number of
their order is computed when it is needed: a Feistel network permutes the numbers of an
even number of bits. A number that is out of range is permuted again until it is in
range (Black and Rogaway, "Ciphers with Arbitrary Finite Domains", CT-RSA 2002).
"""

from __future__ import annotations

import hashlib

import numpy as np

MOST_IN_MEMORY = 1 << 24
"""Longer orders are computed: as an array one takes 128 MB, and seconds to shuffle."""

_ROUNDS = 6


class LazyPermutation:
    """A permutation of `range(length)` that is computed and not stored.

    Args:
        length: How many numbers there are, 2 or more.
        seed: Selects the permutation.
    """

    def __init__(self, length: int, seed: int) -> None:
        self._length = length
        self._half_bits = (max(2, (length - 1).bit_length()) + 1) // 2
        self._key = seed.to_bytes(-(-seed.bit_length() // 8), "little")

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, positions: slice) -> np.ndarray:
        """Returns int64 `[count]`: the numbers at the positions of a slice."""
        chosen = range(*positions.indices(self._length))
        return np.array([self._number_at(position) for position in chosen], np.int64)

    def _number_at(self, position: int) -> int:
        number = self._permute(position)
        while number >= self._length:
            number = self._permute(number)
        return number

    def _permute(self, number: int) -> int:
        mask = (1 << self._half_bits) - 1
        left, right = number >> self._half_bits, number & mask
        for turn in range(_ROUNDS):
            left, right = right, left ^ (self._mix(turn, right) & mask)
        return left << self._half_bits | right

    def _mix(self, turn: int, half: int) -> int:
        message = half.to_bytes(8, "little") + bytes([turn])
        digest = hashlib.blake2b(message, digest_size=8, key=self._key[:64]).digest()
        return int.from_bytes(digest, "little")
