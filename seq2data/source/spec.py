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
from seq2data.source.casts import cast, common_dtype
from seq2data.source.structure import RAGGED, SPARSE, Structure

Shape = Optional[tuple[Optional[int], ...]]


@dataclass(frozen=True)
class LeafSpec:
    """What one leaf of every batch is like."""

    kind: str
    dtype: np.dtype
    shape: Shape
    ragged_rank: int = 0

    def accepts(self, shape: Shape) -> bool:
        """Whether a leaf of this shape keeps to the spec."""
        return self.shape is None or (
            shape is not None
            and len(shape) == len(self.shape)
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
        floatx: The floats of the model that reads the batches, whose leaves may be
            cast then where it sees no other values; None where no model is at hand.
    """

    structure: Structure
    leaves: tuple[LeafSpec, ...]
    may_cast: bool = False
    floatx: Optional[np.dtype] = None

    @classmethod
    def of(
        cls, structure: Structure, arrays: Sequence[np.ndarray], *, batched: bool
    ) -> BatchSpec:
        """The spec of one batch; with `batched`, the first dimension may vary."""
        leaves = [
            replace(leaf, shape=(None, *leaf.shape[1:]))
            if batched and leaf.shape
            else leaf
            for leaf in describe(structure, arrays)
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
            shape = _common_shape(mine.shape, theirs.shape)
            dtype = self._common_dtype(name, mine.dtype, theirs.dtype, index)
            merged.append(replace(mine, shape=shape, dtype=dtype))
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
        for name, leaf, given, node in zip(
            self._names(), self.leaves, found, structure.leaves()
        ):
            if not leaf.accepts(given.shape):
                message = self._shape_message(name, leaf, given.shape, index)
                raise BatchError(message, index)
            if given.dtype != leaf.dtype:
                values = position + 1 if leaf.kind == SPARSE else position
                conformed[values] = self._cast(
                    name, conformed[values], leaf.dtype, index
                )
            position += node.num_arrays
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

    def _common_dtype(
        self, name: str, mine: np.dtype, theirs: np.dtype, index: int
    ) -> np.dtype:
        """The dtype of a leaf in the first batch and in another."""
        common = None if self.floatx is None else common_dtype(mine, theirs)
        if mine != theirs and common is None:
            raise BatchError(
                f"{name} is {mine} in the first batch and {theirs} in "
                f"batch {index}: return one dtype, or pass `output_signature`"
                + self._to_dataset(),
                index,
            )
        return common or mine

    def _cast(
        self, name: str, array: np.ndarray, wanted: np.dtype, index: int
    ) -> np.ndarray:
        """An array of a batch in the spec's dtype."""
        if self.floatx is not None:
            made = cast(array, wanted, self.floatx)
        else:
            shortens = array.dtype.kind == wanted.kind == "f"
            # To numpy everything is safely an object, but ours are texts.
            keeps = wanted.kind != "O" and np.can_cast(array.dtype, wanted, "safe")
            is_allowed = self.may_cast and (shortens or keeps)
            made = array.astype(wanted) if is_allowed else None
        if made is None:
            raise BatchError(
                f"{name} of batch {index} is {array.dtype}, but the dataset's spec "
                f"says {wanted}, and casting could change the values: return "
                f"{wanted}, or pass an `output_signature`{self._to_dataset()} that "
                f"says {array.dtype} for this leaf",
                index,
            )
        return made

    def _to_dataset(self) -> str:
        """Where an `output_signature` can be passed, if that is not plain."""
        return "" if self.floatx is None else " to `to_dataset` and train on that"

    def _shape_message(
        self, name: str, leaf: LeafSpec, shape: Shape, index: int
    ) -> str:
        if leaf.shape is None or shape is None or len(leaf.shape) != len(shape):
            cure: Shape = None
        else:
            cure = _common_shape(leaf.shape, shape)
        return (
            f"{name} of batch {index} has shape {shape}, but the dataset's spec says "
            f"{leaf.shape}: pass an `output_signature`{self._to_dataset()}, with "
            f"`tf.TensorSpec({cure}, ...)` for this leaf"
        )


def describe(structure: Structure, arrays: Sequence[np.ndarray]) -> list[LeafSpec]:
    """What each leaf of one batch is like; of a sparse leaf the dense shape."""
    described = []
    rest = iter(arrays)
    for leaf in structure.leaves():
        parts = [next(rest) for _ in range(leaf.num_arrays)]
        values, shape = parts[0], parts[0].shape
        if leaf.kind == SPARSE:
            _, values, dense_shape = parts
            shape = tuple(map(int, dense_shape))
        elif leaf.kind == RAGGED:
            rows = len(parts[1]) - 1
            shape = (rows, *(None,) * leaf.ragged_rank, *values.shape[1:])
        described.append(LeafSpec(leaf.kind, values.dtype, shape, leaf.ragged_rank))
    return described


def _common_shape(one: Shape, other: Shape) -> Shape:
    if one is None or other is None or len(one) != len(other):
        return None
    return tuple(a if a == b else None for a, b in zip(one, other))
