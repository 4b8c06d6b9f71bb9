"""Tells from the state of a `random.Random` whether somebody gave it a seed.

It keeps no trace of that, but its arithmetic can be undone. Seeding spreads a key over
the 624 words of the state (`init_by_array`): 1 or 2 words of a number, some 20 of a
text, 624 from the system where there is no seed. Undone, the words are the key, over
and over: a short one repeats itself. After every 624 words drawn the state is made anew
(`genrand_uint32`); that is undone, too.

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
# Half of the words: a longer key would have no time to repeat itself.
_LONGEST_KEY = 310
# 624,000 words drawn; to look further back would take longer than 30 ms.
_MOST_GENERATIONS = 1000


# A source is asked at each pass, and its generators have mostly not moved.
@functools.lru_cache(256)
def has_short_key(words: bytes) -> bool:
    """Whether a state comes from a short key, by at most 1000 generations.

    Args:
        words: The 624 words of the state, of 32 bits.
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
    """The state before the key: `init_genrand(19650218)`."""
    words = [19650218]
    for i in range(1, _WORDS):
        words.append((1812433253 * (words[-1] ^ (words[-1] >> 30)) + i) & 0xFFFFFFFF)
    return np.array(words, np.uint32)


_BLANK = _blank()
_NUMBERS = np.arange(_WORDS, dtype=np.uint32)


def _key(state: np.ndarray) -> Any:
    """What was added to words 4 and on, if the state is one just after seeding."""
    # Word i of the second round came from word i of the first and i - 1 of its own.
    first = (state[2:] + _NUMBERS[2:]) ^ _mixed(state[1:-1], 1566083941)
    first = first[1:]  # of word 2 the neighbour was another one then
    return first[1:] - (_BLANK[4:] ^ _mixed(first[:-1], 1664525))


def _repeats(added: np.ndarray) -> bool:
    """Whether the words repeat themselves after at most _LONGEST_KEY."""
    for length in np.flatnonzero(added[1 : _LONGEST_KEY + 1] == added[0]) + 1:
        if np.array_equal(added[length:], added[:-length]):
            return True
    return False


def _generation_before(state: np.ndarray) -> np.ndarray:
    """The words of which these were made."""
    before = np.empty_like(state)
    later = _untwisted(state[_WORDS - _MIDDLE :] ^ state[:_MIDDLE])
    before[_WORDS - _MIDDLE + 1 :] = (later[1:] & _UPPER) | (later[:-1] & _LOWER)
    earlier = _untwisted(state[: _WORDS - _MIDDLE] ^ before[_MIDDLE:])
    both = np.append(earlier, later)
    before[1:] = (both[1:] & _UPPER) | (both[:-1] & _LOWER)
    # Only its upper bit was used for these, but the lower ones for its own last word;
    # if that came from seeding, they are wrong, and of no use to `_key`.
    last = _untwisted(before[-1:] ^ before[_MIDDLE - 1 : _MIDDLE])
    before[:1] = (both[:1] & _UPPER) | (last & _LOWER)
    return before


def _untwisted(words: np.ndarray) -> Any:
    """The upper bit of a word, and the lower ones of the next."""
    was_odd = words >> np.uint32(31)
    return ((words ^ (_TWIST * was_odd)) << np.uint32(1)) | was_odd
