"""Mapped arrays and random generators."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any, Callable

import numpy as np

from tests.workers.payload.kinds.kind import Kind


def numbers(folder: Path) -> Path:
    path = folder / "numbers.npy"
    np.save(path, np.arange(400, dtype=np.int32).reshape(20, 20))
    return path


def mapped(mode: Any, *places: Any, plain: bool = False) -> Callable[[Path], Any]:
    """A part of a mapped file."""

    def make(folder: Path) -> Any:
        array = np.load(numbers(folder), mmap_mode=mode)
        if plain:
            array = np.asarray(array)
        for place in places:
            array = array[place]
        return array

    return make


def far_into_a_file(folder: Path) -> Any:
    path = folder / "far.raw"
    np.arange(20_000, dtype=np.int16).tofile(path)
    return np.memmap(path, np.int16, "r", 10_000, (5, 1000))[2:]


def copy_of(array: Any, index: int) -> np.ndarray:
    return array + index


def changed_map(folder: Path) -> Any:
    array = np.load(numbers(folder), mmap_mode="c")
    array[3, 3] = -5
    return array


def draw_from(generator: Any, _: int) -> np.ndarray:
    return generator.random(3) if hasattr(generator, "random") else generator.rand(3)


def draw(function: Any, _: int) -> Any:
    return function(0, 1000)


def draw_size(function: Any, _: int) -> Any:
    return function(3)


KINDS = {
    "map_r": Kind(mapped("r"), copy_of),
    "map_r+": Kind(mapped("r+"), copy_of),
    "map_c": Kind(mapped("c"), copy_of),
    "map_view": Kind(mapped("r", np.s_[5:, 3:9], np.s_[::-2, 1::2]), copy_of),
    "map_transposed": Kind(lambda folder: mapped("r")(folder).T[4:], copy_of),
    "map_plain": Kind(mapped("r", np.s_[7:9], plain=True), copy_of),
    "map_row": Kind(mapped("r+", 4), copy_of),
    "map_far": Kind(far_into_a_file, copy_of),
    "map_changed": Kind(changed_map, copy_of),
    "random_state": Kind(lambda _: np.random.RandomState(3), draw_from),
    "generator": Kind(lambda _: np.random.default_rng(3), draw_from),
    "random": Kind(lambda _: random.Random(3), lambda held, _: held.random()),
    "global_random": Kind(lambda _: random.randint, draw),
    "global_numpy": Kind(lambda _: np.random.randint, draw),
    "global_rand": Kind(lambda _: np.random.rand, draw_size),
}
