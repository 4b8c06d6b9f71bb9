"""Splits a batch into flat arrays and a description of its nesting.

The description (`Structure`) holds how tuples and dicts are nested, and which leaves
are dense, sparse, ragged or None. It is plain data: it can be sent, and compared. Lists
become tuples, since tf.data has no lists (like Keras 2.15: `list_to_tuple` in
keras/engine/data_adapter.py).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, Optional

import numpy as np

from seq2data.errors import BatchError
from seq2data.exception_text import summary_of
from seq2data.source.records import Record, parts_of

ARRAY = "array"
SPARSE = "sparse"
RAGGED = "ragged"
NONE = "none"
TUPLE = "tuple"
DICT = "dict"

_LEAVES = (ARRAY, SPARSE, RAGGED)
# The numbers that tf.data has; numpy also has floats of 80 and more bits.
_NUMBERS = frozenset("?bBhHiIlLqQefdFD")
_TEXT_KINDS = "SUT"


class Structure(NamedTuple):
    """One node of a batch's nesting.

    Attributes:
        kind: ARRAY, SPARSE, RAGGED, NONE, TUPLE or DICT.
        keys: The keys of a dict, in sorted order.
        children: The parts of a tuple or dict.
        named: The class of a namedtuple or another record.
        ragged_rank: The number of dimensions of a ragged leaf that have row splits.
    """

    kind: str
    keys: tuple[Any, ...] = ()
    children: tuple[Structure, ...] = ()
    named: Optional[Record] = None
    ragged_rank: int = 0

    @property
    def num_arrays(self) -> int:
        """The number of arrays of a leaf."""
        return {ARRAY: 1, SPARSE: 3, RAGGED: 1 + self.ragged_rank}[self.kind]

    def leaf_names(self, prefix: str = "") -> list[str]:
        """Returns a readable place of each leaf that has arrays: `[0]['image']`."""
        if self.kind == NONE:
            return []
        if self.kind in _LEAVES:
            return [prefix or "the batch"]
        keys = self.keys if self.kind == DICT else range(len(self.children))
        return [
            name
            for key, child in zip(keys, self.children)
            for name in child.leaf_names(f"{prefix}[{key!r}]")
        ]

    def leaves(self) -> list[Structure]:
        """Returns the leaf for each name of `leaf_names`."""
        if self.kind in _LEAVES:
            return [self]
        return [leaf for child in self.children for leaf in child.leaves()]

    def leaf_kinds(self) -> list[str]:
        """Returns ARRAY, SPARSE or RAGGED for each name of `leaf_names`."""
        return [leaf.kind for leaf in self.leaves()]

    def pack(self, leaves: Iterator[Any], none: Any = None) -> Any:
        """Returns the nesting with `leaves` in it, one per name of `leaf_names`.

        A leaf that is None becomes `none`.
        """
        if self.kind == NONE:
            return none
        if self.kind in _LEAVES:
            return next(leaves)
        children = [child.pack(leaves, none) for child in self.children]
        if self.kind == DICT:
            return dict(zip(self.keys, children))
        return self.named.make(children) if self.named else tuple(children)

    def __str__(self) -> str:
        return repr(self.pack(iter(_Symbol(kind) for kind in self.leaf_kinds())))


class _Symbol(str):
    """Prints without quotes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def flatten(batch: Any) -> tuple[Structure, list[np.ndarray]]:
    """Returns the structure of a batch, and its arrays in the structure's order.

    A sparse leaf has three arrays: int64 indices `[nnz, rank]` in row-major order,
    values `[nnz]`, and the int64 dense shape `[rank]`. A ragged leaf has its flat
    values, and the int64 row splits of each ragged dimension, the outermost first. Text
    becomes an object array of bytes (UTF-8). The arrays may be the user's own memory,
    which the user's code may change later.

    Raises:
        BatchError: A leaf cannot become an array of tf.data; names the leaf.
    """
    arrays: list[np.ndarray] = []
    try:
        return _flatten(batch, "", arrays), arrays
    except RecursionError as error:
        raise BatchError(
            f"the batch, a `{_type_name(batch)}`, is nested too deeply, or contains "
            "itself"
        ) from error


def _flatten(value: Any, place: str, arrays: list[np.ndarray]) -> Structure:
    try:
        return _flatten_node(value, place, arrays)
    except (BatchError, RecursionError, MemoryError, OSError):
        raise
    except BaseException as error:  # an object in a batch may run user code
        raise BatchError(
            f"{place or 'the batch'}, a `{_type_name(value)}`, cannot be read: "
            f"{summary_of(error)}"
        ) from error


def _flatten_node(value: Any, place: str, arrays: list[np.ndarray]) -> Structure:
    if value is None:
        return Structure(NONE)
    components = _sparse_components(value)  # before Mapping, which some of them are
    if components is not None:
        arrays.extend(components)
        return Structure(SPARSE)
    components = _ragged_components(value)
    if components is not None:
        arrays.extend(components)
        return Structure(RAGGED, ragged_rank=len(components) - 1)
    if isinstance(value, np.ndarray):
        arrays.append(_as_array(value, place or "the batch"))
        return Structure(ARRAY)
    if isinstance(value, Mapping):
        keys = _ordered(value, place)
        children = [_flatten(value[k], f"{place}[{k!r}]", arrays) for k in keys]
        return Structure(DICT, tuple(keys), tuple(children))
    parts = parts_of(value)
    if parts is not None or isinstance(value, (tuple, list)):
        named, items = parts or (None, value)
        children = [_flatten(v, f"{place}[{i}]", arrays) for i, v in enumerate(items)]
        return Structure(TUPLE, (), tuple(children), named)
    arrays.append(_as_array(value, place or "the batch"))
    return Structure(ARRAY)


def _ordered(mapping: Mapping[Any, Any], place: str) -> list[Any]:
    keys = list(mapping)
    try:
        return sorted(keys) if len(keys) > 1 else keys
    except TypeError as error:
        raise BatchError(
            f"{place or 'the batch'} is a dict whose keys cannot be sorted, as "
            f"tf.data does: {error}. Return keys of one type, such as texts"
        ) from error


def _sparse_components(value: Any) -> Optional[tuple[np.ndarray, ...]]:
    scipy_sparse = sys.modules.get("scipy.sparse")
    if scipy_sparse is not None and scipy_sparse.issparse(value):
        matrix = value.tocoo(copy=True)
        matrix.sum_duplicates()
        # A vector has only `coords`; before scipy 1.13 a matrix has `row` and `col`.
        coordinates = getattr(matrix, "coords", None) or (matrix.row, matrix.col)
        indices = np.stack(coordinates, axis=1).astype(np.int64)
        order = np.lexsort(indices.T[::-1])
        dense_shape = np.asarray(matrix.shape, np.int64)
        return indices[order], matrix.data[order], dense_shape
    tensorflow = sys.modules.get("tensorflow")
    if tensorflow is not None and isinstance(value, tensorflow.SparseTensor):
        return (
            np.asarray(value.indices, np.int64),
            np.asarray(value.values),
            np.asarray(value.dense_shape, np.int64),
        )
    return None


def _ragged_components(value: Any) -> Optional[tuple[np.ndarray, ...]]:
    tensorflow = sys.modules.get("tensorflow")
    if tensorflow is None or not isinstance(value, tensorflow.RaggedTensor):
        return None
    splits = [np.asarray(each, np.int64) for each in value.nested_row_splits]
    return np.asarray(value.flat_values), *splits


def _as_array(value: Any, place: str) -> np.ndarray:
    if isinstance(value, (str, bytes)):
        return _as_text(np.array(value, dtype=object), place)
    try:
        array = np.asarray(value, _dtype_of_frame(value))
    except Exception as error:
        reason = summary_of(error)
        raise BatchError(f"{_not_an_array(value, place)} ({reason})") from error
    if array.dtype.char in _NUMBERS or _is_extended_float(array.dtype):
        return array.astype(array.dtype.newbyteorder("="), copy=False)
    if array.dtype.kind in _TEXT_KINDS or array.dtype == object:
        return _as_text(array.astype(object), place)
    raise BatchError(
        f"{place} has dtype `{array.dtype}`, which tf.data does not have: "
        "convert it to numbers or strings in `__getitem__`"
    )


def _dtype_of_frame(value: Any) -> Optional[np.dtype]:
    """Returns the dtype of a pandas object with columns of numbers, else None.

    numpy's own choice is `object` for some of them: for columns of bools and of floats
    together, and for integers of pandas.
    """
    dtypes = getattr(value, "dtypes", None)
    if dtypes is None or "pandas" not in sys.modules:
        return None
    columns = [getattr(dtype, "numpy_dtype", dtype) for dtype in np.atleast_1d(dtypes)]
    kinds = {getattr(dtype, "kind", "O") for dtype in columns}
    if not kinds or not kinds <= set("biuf"):
        return None
    dtype = np.result_type(*columns)
    return dtype if dtype.kind in kinds else None  # uint64 and int64 would be floats


def _is_extended_float(dtype: np.dtype) -> bool:
    """True for dtypes such as bfloat16, which numpy itself does not have."""
    return dtype.type.__module__ == "ml_dtypes"


def _as_text(array: np.ndarray, place: str) -> np.ndarray:
    encoded = np.empty(array.shape, dtype=object)
    flat = encoded.reshape(-1)
    for position, item in enumerate(array.reshape(-1)):
        if isinstance(item, str):
            flat[position] = item.encode()
        elif isinstance(item, bytes):
            flat[position] = bytes(item)
        else:
            raise BatchError(_not_an_array(item, place))
    return encoded


def _not_an_array(value: Any, place: str) -> str:
    return (
        f"{place} holds a `{_type_name(value)}`, "
        "which cannot become an array: a batch is made of arrays, numbers, strings, "
        "scipy.sparse matrices and None, in tuples, lists and dicts; for samples of "
        "other types pass `transform` and `batch_size`"
    )


def _type_name(value: Any) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}"
