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


def test_tensorflows_generators_are_of_the_source(mode: dict[str, Any]) -> None:
    """With a seed and without, in one source: each worker imports TensorFlow."""

    def source() -> Any:
        kinds = tf.random.Generator
        return TensorFlows(kinds.from_seed(3), kinds.from_non_deterministic_state())

    wanted = epochs(source(), seed=1, workers=0)
    np.testing.assert_array_equal(epochs(source(), seed=1, **mode), wanted)
    without = epochs(source(), **mode)
    np.testing.assert_array_equal(without[..., 0], wanted[..., 0])
    assert not np.array_equal(without[..., 1], wanted[..., 1])
    for numbers in wanted, without:
        assert_all_distinct(numbers)


class TensorFlows(Pairs):
    def __getitem__(self, index: int) -> Any:
        return np.array(
            [rng.uniform([2]).numpy() for rng in (self.images, self.masks)]
        ).T


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
