"""`tf.random.Generator` and `torch.Generator`: made again, with their states."""

from __future__ import annotations

from typing import Any

import wrapt

from seq2data.workers.payload.registry import Recipe, register


def _reduce_tensorflow(value: Any) -> Recipe:
    return _make_tensorflow, (type(value), value.state.numpy(), value.algorithm)


def _make_tensorflow(kind: Any, state: Any, algorithm: int) -> Any:
    return kind.from_state(state, alg=algorithm)


def _reduce_torch(value: Any) -> Recipe:
    return _make_torch, (type(value), str(value.device), value.get_state().numpy())


def _make_torch(kind: Any, device: str, words: Any) -> Any:
    generator = kind(device)
    state = generator.get_state()
    state.numpy()[:] = words
    generator.set_state(state)
    return generator


def _register_tensorflow(tensorflow: Any) -> None:
    # Its state is a variable, and the first variable starts TensorFlow's threads.
    generators = tensorflow.random.Generator
    register(generators, _reduce_tensorflow, survives_fork=False)


wrapt.register_post_import_hook(_register_tensorflow, "tensorflow")
wrapt.register_post_import_hook(
    lambda torch: register(torch.Generator, _reduce_torch), "torch"
)
