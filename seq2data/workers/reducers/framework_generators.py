"""`tf.random.Generator` and `torch.Generator`: made anew, with their states."""

from __future__ import annotations

import importlib
from typing import Any

import wrapt

from seq2data.workers.reducers.registry import Recipe, register


def _reduce_tensorflow(value: Any) -> Recipe:
    return _make_tensorflow, (value.state.numpy(), value.algorithm)


def _make_tensorflow(state: Any, algorithm: int) -> Any:
    generators = importlib.import_module("tensorflow").random.Generator
    return generators.from_state(state, alg=algorithm)


def _reduce_torch(value: Any) -> Recipe:
    return _make_torch, (str(value.device), value.get_state().numpy())


def _make_torch(device: str, state: Any) -> Any:
    torch: Any = importlib.import_module("torch")
    generator = torch.Generator(device)
    generator.set_state(torch.from_numpy(state))
    return generator


def _register_tensorflow(tensorflow: Any) -> None:
    # Its state is a variable, and with the first of these TensorFlow starts threads.
    generators = tensorflow.random.Generator
    register(generators, _reduce_tensorflow, survives_fork=False)


wrapt.register_post_import_hook(_register_tensorflow, "tensorflow")
wrapt.register_post_import_hook(
    lambda torch: register(torch.Generator, _reduce_torch), "torch"
)
