"""Makes a spec of sample batches, and checks later batches against it.

Shapes follow tf.data: None is a dimension that may vary, and a shape of None is an
unknown rank. The dtype of text is `object` (bytes).
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Optional

import numpy as np

from seq2data.errors import BatchError
from seq2data.source.casts import cast, common_dtype
from seq2data.source.structure import ARRAY, RAGGED, SPARSE, Structure

Shape = Optional[tuple[Optional[int], ...]]


@dataclass(frozen=True)
class LeafSpec:
    """The kind, dtype and shape of one leaf in every batch."""

    kind: str
    dtype: np.dtype
    shape: Shape
    ragged_rank: int = 0

    def accepts(self, shape: Shape) -> bool:
        """True if a leaf of this shape fits the spec."""
        return self.shape is None or (
            shape is not None
            and len(shape) == len(self.shape)
            and all(wanted in (None, got) for wanted, got in zip(self.shape, shape))
        )


@dataclass(frozen=True)
class BatchSpec:
    """The nesting, dtypes and shapes of every batch.

    Attributes:
        structure: The nesting.
        leaves: One spec per leaf, in the structure's order.
        may_cast: True if the user gave the dtypes (`output_signature`). Then a leaf of
            another dtype may be cast without loss, or to a shorter float.
        floatx: The floats of the model that reads the batches. Then a leaf may be cast
            if the model sees the same values. None if there is no model.
    """

    structure: Structure
    leaves: tuple[LeafSpec, ...]
    may_cast: bool = False
    floatx: Optional[np.dtype] = None

    @classmethod
    def of(
        cls, structure: Structure, arrays: Sequence[np.ndarray], *, batched: bool
    ) -> BatchSpec:
        """Returns the spec of one batch; if `batched`, its first dimension may vary."""
        leaves = [
            replace(leaf, shape=(None, *leaf.shape[1:]))
            if batched and leaf.shape
            else leaf
            for leaf in describe(structure, arrays)
        ]
        return cls(structure, tuple(leaves))

    def ranks_only(self) -> BatchSpec:
        """Returns the spec with the same ranks that batches of all sizes fit."""
        leaves = [
            leaf
            if leaf.shape is None
            else replace(leaf, shape=(None,) * len(leaf.shape))
            for leaf in self.leaves
        ]
        return replace(self, leaves=tuple(leaves))

    def merge(self, other: BatchSpec, index: int) -> BatchSpec:
        """Returns a spec that fits both batches; `other` is the spec of batch `index`.

        Raises:
            BatchError: The two differ in structure or in a dtype.
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
        """Checks the arrays `[count, ...]` of a run, and returns them in spec dtypes.

        Args:
            structure: The nesting of the run's batches.
            arrays: The arrays of the run.
            index: The index of the first batch.

        Raises:
            BatchError: They do not fit the spec; names leaf, index and both shapes.
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
                f"as {self.structure}: return the same nesting for every index"
                + (", or pass its `output_signature`" if self.may_cast else ""),
                index,
            )

    def _common_dtype(
        self, name: str, mine: np.dtype, theirs: np.dtype, index: int
    ) -> np.dtype:
        """Returns the dtype of a leaf for the first batch and another one."""
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
        """Returns an array of a batch in the spec's dtype."""
        if self.floatx is not None:
            made = cast(array, wanted, self.floatx)
        else:
            shortens = array.dtype.kind == wanted.kind == "f"
            # numpy calls every cast to `object` safe, but here `object` means text.
            keeps = wanted.kind != "O" and np.can_cast(array.dtype, wanted, "safe")
            is_allowed = self.may_cast and (shortens or keeps)
            made = array.astype(wanted) if is_allowed else None
        if made is None:
            raise BatchError(
                f"{name} of batch {index} is {array.dtype}, but the dataset's spec "
                f"has {wanted}, and casting could change the values: return "
                f"{wanted}, or pass an `output_signature`{self._to_dataset()} with "
                f"{array.dtype} for this leaf",
                index,
            )
        return made

    def _to_dataset(self) -> str:
        """Returns where to pass an `output_signature`, "" where the call shows it."""
        return "" if self.floatx is None else " to `to_dataset` and train on that"

    def _shape_message(
        self, name: str, leaf: LeafSpec, shape: Shape, index: int
    ) -> str:
        if leaf.shape is None or shape is None or len(leaf.shape) != len(shape):
            cure: Shape = None
        else:
            cure = _common_shape(leaf.shape, shape)
        return (
            f"{name} of batch {index} has shape {shape}, but the dataset's spec has "
            f"{leaf.shape}: pass an `output_signature`{self._to_dataset()} with "
            f"`tf.TensorSpec({cure}, ...)` for this leaf"
        )


class SpecCheck:
    """Checks batches against a spec; those that are like the last one pass at once.

    Several threads may use it.

    Args:
        spec: The spec.
    """

    def __init__(self, spec: BatchSpec) -> None:
        self._spec = spec
        # Of the last batch that passed unchanged, if shapes say all of such a batch.
        self._last: Optional[tuple[list[Any], Structure]] = None

    def is_like_last(self, structure: Structure, arrays: Sequence[np.ndarray]) -> bool:
        """True if a batch of the same structure, dtypes and shapes has passed."""
        last = self._last
        if last is None or len(last[0]) != len(arrays):
            return False
        for (dtype, shape), array in zip(last[0], arrays):
            if array.dtype != dtype or array.shape[1:] != shape:
                return False
        return structure == last[1]

    def conform(
        self, structure: Structure, arrays: Sequence[np.ndarray], index: int
    ) -> list[np.ndarray]:
        """Does what `BatchSpec.conform` does, and remembers what has passed."""
        conformed = self._spec.conform(structure, arrays, index)
        is_unchanged = all(map(operator.is_, conformed, arrays))
        if is_unchanged and all(leaf.kind == ARRAY for leaf in structure.leaves()):
            kinds = [(array.dtype, array.shape[1:]) for array in arrays]
            self._last = kinds, structure
        return conformed


def describe(structure: Structure, arrays: Sequence[np.ndarray]) -> list[LeafSpec]:
    """Returns the spec of each leaf of one batch; a sparse leaf has its dense shape."""
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
