"""Finds out from the state of a `random.Random` whether it was given a seed.

The object keeps no record of its seed, but the arithmetic can be reversed. Seeding
spreads a key over the 624 words of the state (`init_by_array`). A number is a key of 1
or 2 words, a text of about 20. Without a seed the key is 624 words from the system.
Reversed, the words are the key, repeated: so a short key shows. After every 624 drawn
words the state is replaced by the next generation (`genrand_uint32`), which is
reversed, too.

References: Matsumoto and Nishimura, "Mersenne Twister", ACM TOMACS 8 (1998), and their
mt19937ar.c of 2002, of which Modules/_randommodule.c of CPython is a copy.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

_WORDS, _MIDDLE = 624, 397
_UPPER, _LOWER = np.uint32(0x80000000), np.uint32(0x7FFFFFFF)
_TWIST = np.uint32(0x9908B0DF)
# Half of the words: a longer key does not repeat within the state.
_LONGEST_KEY = 310
# 624,000 drawn words; to look further back takes longer than 30 ms.
_MOST_GENERATIONS = 1000


# This is called before each epoch, mostly with the same states.
@functools.lru_cache(256)
def has_short_key(words: bytes) -> bool:
    """True if a state is at most 1000 generations after a short key.

    Args:
        words: The state: 624 words of 32 bits.
    """
    state = np.frombuffer(words, np.uint32)
    for _ in range(_MOST_GENERATIONS):
        if _repeats(_key(state)):
            return True
        state = _generation_before(state)
    return False


def _mixed(words: np.ndarray, factor: int) -> Any:
    return (words ^ (words >> np.uint32(30))) * np.uint32(factor)


def _blank() -> np.ndarray:
    """Returns the state before the key: `init_genrand(19650218)`."""
    words = [19650218]
    for i in range(1, _WORDS):
        words.append((1812433253 * (words[-1] ^ (words[-1] >> 30)) + i) & 0xFFFFFFFF)
    return np.array(words, np.uint32)


_BLANK = _blank()
_NUMBERS = np.arange(_WORDS, dtype=np.uint32)


def _key(state: np.ndarray) -> Any:
    """Returns the key that was added to words 4 and on, if seeding made the state."""
    # Word i of round 2 was made from word i of round 1, and word i - 1 of round 2.
    first = (state[2:] + _NUMBERS[2:]) ^ _mixed(state[1:-1], 1566083941)
    first = first[1:]  # word 2 was made from another neighbour
    return first[1:] - (_BLANK[4:] ^ _mixed(first[:-1], 1664525))


def _repeats(added: np.ndarray) -> bool:
    """True if the words repeat after at most _LONGEST_KEY words."""
    for length in np.flatnonzero(added[1 : _LONGEST_KEY + 1] == added[0]) + 1:
        if np.array_equal(added[length:], added[:-length]):
            return True
    return False


def _generation_before(state: np.ndarray) -> np.ndarray:
    """Returns the state of the generation before."""
    before = np.empty_like(state)
    later = _untwisted(state[_WORDS - _MIDDLE :] ^ state[:_MIDDLE])
    before[_WORDS - _MIDDLE + 1 :] = (later[1:] & _UPPER) | (later[:-1] & _LOWER)
    earlier = _untwisted(state[: _WORDS - _MIDDLE] ^ before[_MIDDLE:])
    both = np.append(earlier, later)
    before[1:] = (both[1:] & _UPPER) | (both[:-1] & _LOWER)
    # The state depends only on the upper bit of word 0. Its lower bits are computed as
    # if there was a generation before; if not, they are wrong, and `_key` ignores them.
    last = _untwisted(before[-1:] ^ before[_MIDDLE - 1 : _MIDDLE])
    before[:1] = (both[:1] & _UPPER) | (last & _LOWER)
    return before


def _untwisted(words: np.ndarray) -> Any:
    """Returns words with the upper bit of a word, and the lower bits of the next."""
    was_odd = words >> np.uint32(31)
    return ((words ^ (_TWIST * was_odd)) << np.uint32(1)) | was_odd
