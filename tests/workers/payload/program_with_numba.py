"""A script with functions that numba compiles."""

from __future__ import annotations

import functools

import numba

from tests.workers.payload.program_kinds import report

FACTOR = 3


@numba.njit
def scaled(i):
    return i * FACTOR


@numba.njit
def factorial(i):
    return 1 if i <= 1 else i * factorial(i - 1)


@numba.vectorize
def plus_one(x):
    return x + 1


@functools.lru_cache
@numba.njit
def cached(i):
    return i * 7


class Reader:
    @staticmethod
    @numba.njit
    def static(i):
        return i * 5

    def __init__(self):
        self.compiled = numba.njit(lambda i: i + 2)

    def __call__(self, i):
        return self.compiled(i)


KINDS = {
    "function": scaled,
    "global": lambda i: scaled(i),
    "recursive": lambda i: factorial(i + 3),
    "vectorized": lambda i: plus_one(float(i)),
    "under a cache": cached,
    "static method": lambda i: Reader.static(i),
    "of an instance": Reader(),
    "partial": functools.partial(scaled),
}

if __name__ == "__main__":
    report(KINDS)
