"""Turns sample batches into the spec that later batches are held to.

Shapes follow tf.data: None is a dimension that may vary, a shape of None is an unknown
rank. The dtype of text is `object` (bytes).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Optional

import numpy as np

from seq2data.errors import BatchError
from seq2data.source.structure import SPARSE, Structure

Shape = Optional[tuple[Optional[int], ...]]
_ARRAYS_OF_SPARSE = 3


@dataclass(frozen=True)
class LeafSpec:
    """What one leaf of every batch is like."""

    kind: str
    dtype: np.dtype
    shape: Shape

    def accepts(self, shape: tuple[int, ...]) -> bool:
        """Whether a leaf of this shape keeps to the spec."""
        return self.shape is None or (
            len(shape) == len(self.shape)
            and all(wanted in (None, got) for wanted, got in zip(self.shape, shape))
        )


@dataclass(frozen=True)
class BatchSpec:
    """What every batch is like.

    Attributes:
        structure: Its nesting.
        leaves: One per leaf, in the structure's order.
        may_cast: Whether the user gave the dtypes (`output_signature`), so that a
            leaf of another dtype may be cast without loss, or to a shorter float.
    """

    structure: Structure
    leaves: tuple[LeafSpec, ...]
    may_cast: bool = False

    @classmethod
    def of(
        cls, structure: Structure, arrays: Sequence[np.ndarray], *, batched: bool
    ) -> BatchSpec:
        """The spec of one batch; with `batched`, the first dimension may vary."""
        leaves = [
            LeafSpec(kind, dtype, (None, *shape[1:]) if batched and shape else shape)
            for kind, dtype, shape in describe(structure, arrays)
        ]
        return cls(structure, tuple(leaves))

    def ranks_only(self) -> BatchSpec:
        """The spec that batches of all sizes keep to; the ranks stay."""
        leaves = [
            leaf
            if leaf.shape is None
            else replace(leaf, shape=(None,) * len(leaf.shape))
            for leaf in self.leaves
        ]
        return replace(self, leaves=tuple(leaves))

    def merge(self, other: BatchSpec, index: int) -> BatchSpec:
        """The spec that both batches keep to; `other` is that of batch `index`.

        Raises:
            BatchError: They differ in structure or in a dtype.
        """
        self._check_structure(other.structure, index)
        merged = []
        for name, mine, theirs in zip(self._names(), self.leaves, other.leaves):
            if mine.dtype != theirs.dtype:
                raise BatchError(
                    f"{name} is {mine.dtype} in the first batch and {theirs.dtype} in "
                    f"batch {index}: return one dtype, or pass `output_signature`",
                    index,
                )
            merged.append(replace(mine, shape=_common_shape(mine.shape, theirs.shape)))
        return replace(self, leaves=tuple(merged))

    def conform(
        self, structure: Structure, arrays: Sequence[np.ndarray], index: int
    ) -> list[np.ndarray]:
        """Arrays `[count, ...]` of a run, cast where the user's signature asks for it.

        Args:
            structure: The run's.
            arrays: The run's.
            index: Its first batch's.

        Raises:
            BatchError: They break the spec; names leaf, index and both shapes.
        """
        self._check_structure(structure, index)
        conformed = list(arrays)
        found = describe(structure, [array[0, ...] for array in arrays])
        position = 0
        for name, leaf, (kind, dtype, shape) in zip(self._names(), self.leaves, found):
            if not leaf.accepts(shape):
                raise BatchError(self._shape_message(name, leaf, shape, index), index)
            values = position + 1 if kind == SPARSE else position
            if dtype != leaf.dtype:
                self._check_cast(name, dtype, leaf.dtype, index)
                conformed[values] = conformed[values].astype(leaf.dtype)
            position += _ARRAYS_OF_SPARSE if kind == SPARSE else 1
        return conformed

    def _names(self) -> list[str]:
        return self.structure.leaf_names()

    def _check_structure(self, structure: Structure, index: int) -> None:
        if structure != self.structure:
            raise BatchError(
                f"batch {index} is nested as {structure}, but the dataset's batches "
                f"as {self.structure}: return the same nesting from every index"
                + (", or pass the `output_signature` of it" if self.may_cast else ""),
                index,
            )

    def _check_cast(
        self, name: str, dtype: np.dtype, wanted: np.dtype, index: int
    ) -> None:
        shortens = dtype.kind == wanted.kind == "f"
        # To numpy everything is safely an object, but ours are texts.
        keeps = wanted.kind != "O" and np.can_cast(dtype, wanted, "safe")
        if not (self.may_cast and (shortens or keeps)):
            raise BatchError(
                f"{name} of batch {index} is {dtype}, but the dataset's spec says "
                f"{wanted}, and casting could change the values: return {wanted}, or "
                f"pass an `output_signature` that says {dtype} for this leaf",
                index,
            )

    def _shape_message(
        self, name: str, leaf: LeafSpec, shape: tuple[int, ...], index: int
    ) -> str:
        if leaf.shape is None or len(leaf.shape) != len(shape):
            cure: Shape = None
        else:
            cure = _common_shape(leaf.shape, shape)
        return (
            f"{name} of batch {index} has shape {shape}, but the dataset's spec says "
            f"{leaf.shape}: pass an `output_signature` with "
            f"`tf.TensorSpec({cure}, ...)` for this leaf"
        )


def describe(
    structure: Structure, arrays: Sequence[np.ndarray]
) -> list[tuple[str, np.dtype, tuple[int, ...]]]:
    """(kind, dtype, shape) of each leaf; of a sparse leaf the dense shape."""
    described = []
    position = 0
    for kind in structure.leaf_kinds():
        if kind == SPARSE:
            _, values, dense_shape = arrays[position : position + _ARRAYS_OF_SPARSE]
            described.append((kind, values.dtype, tuple(map(int, dense_shape))))
            position += _ARRAYS_OF_SPARSE
        else:
            described.append((kind, arrays[position].dtype, arrays[position].shape))
            position += 1
    return described


def _common_shape(one: Shape, other: Shape) -> Shape:
    if one is None or other is None or len(one) != len(other):
        return None
    return tuple(a if a == b else None for a, b in zip(one, other))
