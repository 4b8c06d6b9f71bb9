"""Linear models that are trained on the batches of `odd_batches`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Optional

from tensorflow import keras

import seq2data
from tests.train.odd_batches import Batches


def linear(outputs: str = "a", units: int = 1, **how: Any) -> Any:
    """A model of two inputs with zeros for weights, and outputs of these names."""
    x = keras.Input((2,))
    made = [
        keras.layers.Dense(
            units, kernel_initializer="zeros", use_bias=False, name=name
        )(x)
        for name in outputs
    ]
    model = keras.Model(x, made if len(made) > 1 else made[0])
    model.compile(keras.optimizers.SGD(0.01), "mse", **how)
    return model


def forever(source: Any) -> Iterator[Any]:
    """The batches as a generator gives them."""
    while True:
        yield from map(source.__getitem__, range(len(source)))


def sums_of(
    source: Batches, model: Optional[Any] = None, *, generator: bool = False, **how: Any
) -> list[float]:
    """The sum of each kernel after a pass over a source, in order."""
    model = model or linear()
    if generator:
        how["steps_per_epoch"] = len(source)
    seq2data.fit_generator(
        model,
        forever(source) if generator else source,
        verbose=0,
        shuffle=False,
        **how,
    )
    return [float(kernel.sum()) for kernel in model.get_weights()]
