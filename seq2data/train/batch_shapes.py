"""Decides which dimensions of a model's batches may vary."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from seq2data.source.spec import BatchSpec, LeafSpec, Shape
from seq2data.source.structure import DICT, TUPLE, Structure
from seq2data.train.keras_versions import is_of_keras_3


def loosened(spec: BatchSpec, model: Any) -> BatchSpec:
    """Returns a spec that accepts batches of every size that the model accepts.

    Models of Keras 2 train on batches of which only the rank is known. Keras 3 reads
    dimensions when it traces. It takes labels of `[batch, 1]` for classes only where
    the 1 is known, and compiles a convolution with XLA where the channels are unknown
    (`sparse_categorical_crossentropy` and `conv` in
    keras/src/backend/tensorflow/nn.py). With Keras 3 the dimensions may vary that the
    model's inputs and outputs leave open, even if the first batches do not vary there.
    """
    if not is_of_keras_3(model):
        return spec.ranks_only()
    root = spec.structure
    nodes = root.children if root.kind == TUPLE else (root,)
    known = [_shapes(model, "input"), *[_shapes(model, "output")] * 2]
    expected = (
        shape
        for node, shapes in zip(nodes, known)
        for shape in _shapes_of_leaves(node, shapes)
    )
    opened = tuple(map(_opened, spec.leaves, expected))
    return replace(spec, leaves=opened + spec.leaves[len(opened) :])


def _shapes(model: Any, which: str) -> dict[str, Shape]:
    """Returns the shapes of a model's inputs or outputs, by name, in their order."""
    if not model.built:
        return {}
    tensors = getattr(model, f"{which}s", ())
    nested = getattr(model, which) if hasattr(model, f"{which}_names") else None
    if isinstance(nested, Mapping):
        names = sorted(nested)
    else:
        names = getattr(model, f"{which}_names", None) or [
            each.name for each in tensors
        ]
    return {name: tuple(each.shape) for name, each in zip(names, tensors)}


def _shapes_of_leaves(node: Structure, known: Mapping[str, Shape]) -> Iterator[Shape]:
    """Yields for each leaf of x, y or the weights the shape that the model expects."""
    children = node.children or (node,)
    shapes: list[Shape] = [None] * len(children)
    if node.kind == DICT:
        shapes = [known.get(key) for key in node.keys]
    elif len(known) == len(children):
        shapes = list(known.values())
    for child, shape in zip(children, shapes):
        leaves = child.leaves()
        yield from [shape] if len(leaves) == 1 else [None] * len(leaves)


def _opened(leaf: LeafSpec, expected: Shape) -> LeafSpec:
    if leaf.shape is None or expected is None:
        return leaf
    sizes = list(leaf.shape)
    for axis, size in enumerate(expected[: len(sizes)]):
        # Keras gives a known 1 a meaning: labels of `[batch, 1]` are classes.
        if size is None and sizes[axis] != 1:
            sizes[axis] = None
    return replace(leaf, shape=tuple(sizes))
