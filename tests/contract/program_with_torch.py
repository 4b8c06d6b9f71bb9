"""Reads sources that draw from torch, and prints what each mode of reading gives.

    python -m tests.contract.program_with_torch

`tests/doubles` has a module `torch` for it.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import numpy as np

import seq2data

_EPOCHS = 2
_BATCHES = 6


class DrawsFromTorch:
    """Imports torch when it is read first, as code inside of a function does."""

    def __len__(self) -> int:
        return _BATCHES

    def __getitem__(self, index: int) -> Any:
        import torch

        drawn = np.array([torch.draw(), torch.draw()])
        # Without seeding, the next batch of this process would depend on its number.
        for _ in range(1 + os.getpid() % 100):
            torch.draw()
        return drawn


class HasOwnGenerator(DrawsFromTorch):
    """Holds a `torch.Generator`."""

    def __init__(self, generator: Any) -> None:
        self.generator = generator

    def __getitem__(self, index: int) -> Any:
        return np.array([self.generator.draw(), self.generator.draw()])


def read(source: Any, **mode: Any) -> list[list[list[float]]]:
    """Returns the numbers of each batch of each epoch."""
    dataset = seq2data.to_dataset(source, **mode)
    return [[batch.numpy().tolist() for batch in dataset] for _ in range(_EPOCHS)]


def main() -> None:
    found = {
        f"global, loaded by the {who}, workers={workers}, seed={seed}": read(
            DrawsFromTorch(), workers=workers, seed=seed
        )
        for who in ("worker", "program")
        if who == "worker" or __import__("torch")
        for workers, seed in ((1, 1), (3, 1), (3, 2))
    }
    torch = sys.modules["torch"]
    before = torch.default_generator.get_state().numpy().tolist()
    for seeded in (False, True):
        for workers in (0, 1, 3):
            generator = torch.Generator()
            generator.manual_seed(3) if seeded else generator.seed()
            source = HasOwnGenerator(generator)
            name = f"own, seeded={seeded}, workers={workers}"
            found[name] = read(source, workers=workers, seed=1)
    after = torch.default_generator.get_state().numpy().tolist()
    json.dump({"found": found, "is_programs_kept": before == after}, sys.stdout)


if __name__ == "__main__":
    main()
