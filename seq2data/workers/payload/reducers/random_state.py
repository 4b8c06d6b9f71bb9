"""Generators of `random` and `numpy.random`: a worker uses its own global generators.

`from random import shuffle` imports a method of the global generator. A copy of that
generator would draw the same numbers in every worker, whatever the seed is.
"""

from __future__ import annotations

import random
from operator import attrgetter
from types import ModuleType
from typing import Any, Optional

import numpy as np

from seq2data.workers.payload.registry import Recipe, register

_random: Any = random
_numpy: Any = np.random.mtrand


def _reduce_random(value: random.Random) -> Optional[Recipe]:
    return _global(random, "_inst") if value is _random._inst else None


def _reduce_numpy(value: np.random.RandomState) -> Optional[Recipe]:
    return _global(_numpy, "_rand") if value is _numpy._rand else None


def _global(module: ModuleType, name: str) -> Recipe:
    return attrgetter(name), (module,)


def _reduce_generator(value: np.random.Generator) -> Optional[Recipe]:
    """Keeps a shared bit generator shared; numpy 1 would make one for each copy."""
    if type(value) is not np.random.Generator:
        return None
    return np.random.Generator, (value.bit_generator,)


register(random.Random, _reduce_random)
register(np.random.RandomState, _reduce_numpy)
register(np.random.Generator, _reduce_generator)
