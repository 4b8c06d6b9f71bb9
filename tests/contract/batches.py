"""Batches of every legal kind, as functions of their index; importable in workers."""

from __future__ import annotations

import collections
import types
from typing import Any, Callable, NamedTuple

import numpy as np


class Point(NamedTuple):
    x: Any
    y: Any


NUMBER_DTYPES = [
    "bool",
    *("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("float16", "float32", "float64", "complex64", "complex128"),
]


def matrix(index: int, dtype: Any = np.float32) -> np.ndarray:
    return (np.arange(12).reshape(4, 3) + index).astype(dtype)


def numbers(index: int) -> Any:
    return {dtype: matrix(index, dtype) for dtype in NUMBER_DTYPES}


def extreme_numbers(index: int) -> Any:
    # None of these survives a trip through float32, or through int32.
    return (
        np.array([np.pi * (index + 1), 1e300, np.nan, -0.0, np.inf]),
        np.array([2**63 - 1 - index, -(2**63)], np.int64),
        np.array([2**64 - 1 - index], np.uint64),
    )


def bfloat16(index: int) -> Any:
    import ml_dtypes

    return matrix(index, ml_dtypes.bfloat16)


def nested(index: int) -> Any:
    inner = {"b": matrix(index), "a": [np.arange(4), (matrix(-index), np.arange(2))]}
    return ({"z": inner, "a": matrix(index)}, [np.arange(3) * index, matrix(7)])


def with_none(index: int) -> Any:
    return matrix(index), None, np.arange(4) * index


def with_none_inside(index: int) -> Any:
    return {"x": matrix(index), "mask": None}, (None, np.arange(4))


def python_scalars(index: int) -> Any:
    return index, index / 3, index % 2 == 0, complex(index, 1)


def numpy_scalars(index: int) -> Any:
    return np.float16(index), np.uint8(index), np.bool_(index % 2), np.array(index)


def text(index: int) -> Any:
    return {
        "str": f"Grüße {index}",
        "bytes": b"\x00\xff" + bytes([index]),
        "empty": "",
    }


def text_arrays(index: int) -> Any:
    return (
        np.array(["a", "bßc", f"{index}"]),
        np.array([b"x", b"yy"]),
        np.array([["mixed", b"\x80"], ["", "z" * index]], dtype=object),
    )


def text_and_numbers(index: int) -> Any:
    return {"name": np.array([f"{index}.png"] * 4), "x": matrix(index), "y": "label"}


def mappings(index: int) -> Any:
    ordered = collections.OrderedDict(b=matrix(index), a=np.arange(4))
    with_default = collections.defaultdict(list, k=np.arange(2) + index)
    return ordered, with_default, types.MappingProxyType({"m": matrix(index)})


def not_contiguous(index: int) -> Any:
    x = np.arange(48, dtype=np.float32).reshape(2, 4, 6) + index
    return x.T, x[:, ::2, 1:], np.asfortranarray(x[0]), x[::-1]


def borrowed_memory(index: int) -> Any:
    x = matrix(index)
    x.flags.writeable = False
    return x, np.broadcast_to(np.float32(index), (4, 2)), memoryview(matrix(index))


def no_elements(index: int) -> Any:
    return np.zeros((0, 3), np.float32), np.zeros((4, 0), np.int8), matrix(index)


def scipy_sparse(index: int) -> Any:
    from scipy import sparse

    dense = np.zeros((5, 4), np.float32)
    dense[index % 5, 1] = index + 1
    dense[3, 2:] = 0.5
    duplicates = sparse.coo_matrix(([1.0, 2.0], ([1, 1], [0, 0])), shape=(3, 2))
    return {
        "csr": sparse.csr_matrix(dense),
        "csc": sparse.csc_matrix(dense.astype(np.int64)),
        "coo": duplicates,
        "empty": sparse.csr_matrix((2, 3)),
        "dense": dense,
    }


def pil_image(index: int) -> Any:
    from PIL import Image

    return Image.new("RGB", (5, 4), (index, 2, 255)), np.arange(3)


KINDS: dict[str, Callable[[int], Any]] = {
    "one array": matrix,
    "pair": lambda index: (matrix(index), np.arange(4) + index),
    "triple": lambda index: (matrix(index), np.arange(4), np.full(4, 0.5)),
    "list": lambda index: [matrix(index), np.arange(4) + index],
    "tuple of one": lambda index: (matrix(index),),
    "namedtuple": lambda index: Point(matrix(index), {"p": np.arange(4)}),
    **{
        function.__name__.replace("_", " "): function
        for function in (
            numbers,
            extreme_numbers,
            bfloat16,
            nested,
            with_none,
            with_none_inside,
            python_scalars,
            numpy_scalars,
            text,
            text_arrays,
            text_and_numbers,
            mappings,
            not_contiguous,
            borrowed_memory,
            scipy_sparse,
            pil_image,
        )
    },
}


class OfKind:
    """Batches of one kind; a pure function of the index."""

    def __init__(self, kind: str, num_batches: int = 5) -> None:
        self.kind = kind
        self.num_batches = num_batches

    def __len__(self) -> int:
        return self.num_batches

    def __getitem__(self, index: int) -> Any:
        return KINDS[self.kind](index)


class NoElements(OfKind):
    """Leaves without elements, some in every batch and some now and then."""

    def __init__(self, num_batches: int = 5) -> None:
        super().__init__("", num_batches)

    def __getitem__(self, index: int) -> Any:
        return no_elements(index), np.zeros(index % 3), matrix(index)[: index % 2]


class Large(OfKind):
    """Each batch is larger than what may travel together with another."""

    def __init__(self, num_batches: int = 6) -> None:
        super().__init__("", num_batches)

    def __getitem__(self, index: int) -> Any:
        return np.full((3, 40_000), index, np.float32), {"y": np.arange(3) + index}


class UnequalShapes(OfKind):
    """Every batch has another length and another width, and none is empty."""

    def __init__(self, num_batches: int) -> None:
        super().__init__("", num_batches)

    def __getitem__(self, index: int) -> Any:
        x = np.full((1 + index % 3, 1 + index % 4), index)
        return x, np.full(1 + index % 5, 1.5)


class MixedSizes(OfKind):
    """Text and numbers of growing size, some small and some large."""

    def __init__(self, num_batches: int = 40) -> None:
        super().__init__("", num_batches)

    def __getitem__(self, index: int) -> Any:
        rows = 1 if index % 10 else 30_000
        return np.arange(rows * 3.0).reshape(rows, 3) + index, f"{index}"


class MapStyle:
    """Single samples, like a torch map-style dataset: no base class, no hooks."""

    def __len__(self) -> int:
        return 11

    def __getitem__(self, index: int) -> Any:
        if not 0 <= index < 11:
            raise IndexError(index)
        return np.full((2, 2), index, np.float32), index % 3
