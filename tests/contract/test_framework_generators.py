"""Generators of TensorFlow and torch that a source holds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

from tests.contract.own_sources import Pairs  # noqa: E402  # needs TensorFlow
from tests.contract.test_own_generators import (  # noqa: E402
    assert_all_distinct,
    epochs,
)

pytestmark = pytest.mark.tensorflow


@pytest.mark.parametrize("kind", ["from_seed", "from_non_deterministic_state"])
def test_tensorflows_generators_are_of_the_source(
    mode: dict[str, Any], kind: str
) -> None:
    def source() -> Any:
        make = getattr(tf.random.Generator, kind)
        return TensorFlows(make(3) if kind == "from_seed" else make())

    wanted = epochs(source(), seed=1, workers=0)
    np.testing.assert_array_equal(epochs(source(), seed=1, **mode), wanted)
    without = epochs(source(), **mode)
    assert np.array_equal(without, wanted) == (kind == "from_seed")
    for numbers in wanted, without:
        assert_all_distinct(numbers)


class TensorFlows(Pairs):
    def __init__(self, rng: Any) -> None:
        super().__init__(rng, None)

    def __getitem__(self, index: int) -> Any:
        return self.images.uniform([2]).numpy()


@pytest.mark.parametrize("seeded", [False, True])
def test_torchs_generators_are_of_the_source(
    mode: dict[str, Any], seeded: bool
) -> None:
    torch = pytest.importorskip("torch")

    class Torchs(Pairs):
        def __getitem__(self, index: int) -> Any:
            return torch.rand(2, generator=self.images, dtype=torch.float64).numpy()

    def source() -> Torchs:
        generator = torch.Generator()
        if seeded:
            generator.manual_seed(3)
        else:
            generator.seed()
        return Torchs(generator, None)

    wanted = epochs(source(), seed=1, workers=0)
    np.testing.assert_array_equal(epochs(source(), seed=1, **mode), wanted)
    without = epochs(source(), **mode)
    assert np.array_equal(without, wanted) == seeded
    assert_all_distinct(without)
