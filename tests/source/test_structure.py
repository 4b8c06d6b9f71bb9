from __future__ import annotations

import pickle
from collections import OrderedDict, UserDict
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pytest

from seq2data.errors import BatchError
from seq2data.source.structure import ARRAY, DICT, NONE, TUPLE, flatten
from tests.source.batches import assert_same


class Batch(NamedTuple):
    """A namedtuple as user code has them."""

    image: Any
    label: Any


class Tensorlike:
    """What a torch tensor is to numpy."""

    def __init__(self, values: list[float]) -> None:
        self.values = values

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        return np.array(self.values, np.float32)


class Attached:
    """What a torch tensor that needs its gradient is to numpy."""

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        raise RuntimeError("call detach() first")


def flattened(batch: Any) -> Any:
    """The batch, taken apart and put together again."""
    structure, arrays = flatten(batch)
    return structure.pack(iter(arrays))


def only_array(leaf: Any) -> np.ndarray:
    structure, arrays = flatten(leaf)
    assert structure.kind == ARRAY
    assert len(arrays) == 1
    return arrays[0]


A, B, C = np.zeros((4, 3), np.float32), np.arange(4), np.ones(4)


@pytest.mark.parametrize(
    ("batch", "expected"),
    [
        (A, A),
        ((A, B), (A, B)),
        ((A, B, C), (A, B, C)),
        ([A, B], (A, B)),
        ([A, [B, (C,)]], (A, (B, (C,)))),
        ({"y": B, "x": A}, {"x": A, "y": B}),
        (OrderedDict(y=B, x=A), {"x": A, "y": B}),
        (UserDict(y=B, x=A), {"x": A, "y": B}),
        ({2: B, 1: A}, {1: A, 2: B}),
        (({"x": [A, B]}, None), ({"x": (A, B)}, None)),
        ((A, None, C), (A, None, C)),
        (None, None),
        ((), ()),
        ({}, {}),
        (Batch(A, [B, C]), Batch(A, (B, C))),
    ],
)
def test_nesting_is_kept_and_lists_become_tuples(batch: Any, expected: Any) -> None:
    assert_same(flattened(batch), expected)


def test_keys_come_in_sorted_order() -> None:
    structure, arrays = flatten({"b": 1, "c": 2, "a": 0})
    assert structure.keys == ("a", "b", "c")
    assert [int(array) for array in arrays] == [0, 1, 2]


@pytest.mark.parametrize("keys", [("b", 7), (b"b", "b"), (None, "b"), (1j, 2j)])
def test_keys_that_do_not_sort_are_refused_with_their_place(
    keys: tuple[Any, Any],
) -> None:
    with pytest.raises(BatchError, match=r"^\['x'\] is a dict whose keys cannot be"):
        flatten({"x": dict.fromkeys(keys, 1)})


@pytest.mark.parametrize(
    "dtype",
    [
        *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32"),
        *("uint64", "float16", "float32", "float64", "complex64", "complex128"),
    ],
)
@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (0, 3)])
def test_numbers_keep_dtype_and_values(dtype: str, shape: tuple[int, ...]) -> None:
    array = np.ones(shape, dtype)
    assert_same(only_array(array), array)


@pytest.mark.parametrize("dtype", [">f4", ">i2", ">u8", ">c8"])
def test_numbers_of_the_other_byte_order_come_in_the_machines_own(dtype: str) -> None:
    found = only_array(np.array([1, 2, 44], dtype))
    assert found.dtype.isnative
    assert found.tolist() == [1, 2, 44]


@pytest.mark.parametrize("name", ["bfloat16", "float8_e5m2"])
def test_extended_floats_keep_dtype_and_values(name: str) -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes")
    array = np.array([0.5, -2.0, 1.0]).astype(getattr(ml_dtypes, name))
    found = only_array(array)
    assert found.dtype == array.dtype
    assert found.tobytes() == array.tobytes()


@pytest.mark.parametrize(
    ("scalar", "dtype"),
    [
        (True, "bool"),
        (7, "int64"),
        (-2.5, "float64"),
        (1j, "complex128"),
        (np.float16(0.5), "float16"),
        (np.int8(-3), "int8"),
        (np.bool_(True), "bool"),
        (np.complex64(1j), "complex64"),
    ],
)
def test_scalar_becomes_an_array_without_dimensions(scalar: Any, dtype: str) -> None:
    assert_same(only_array(scalar), np.array(scalar, dtype))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("naïve", "naïve".encode()),
        ("", b""),
        (b"\x00\xff\x00", b"\x00\xff\x00"),
        (np.str_("Ω"), "Ω".encode()),
        (np.bytes_(b"raw"), b"raw"),
        (np.array(["ä", "bc"]), ["ä".encode(), b"bc"]),
        (np.array([["a"], ["b"]]), [[b"a"], [b"b"]]),
        (np.array([b"a", b"bcd"]), [b"a", b"bcd"]),
        (np.array(["ö", b"\x00"], object), ["ö".encode(), b"\x00"]),
        (np.array([np.bytes_(b"x"), np.str_("y")], object), [b"x", b"y"]),
        (np.empty((0, 2), "U3"), np.empty((0, 2)).tolist()),
    ],
)
def test_text_becomes_bytes_in_utf8(text: Any, expected: Any) -> None:
    found = only_array(text)
    assert found.dtype == object
    assert found.shape == np.shape(text)
    assert found.tolist() == expected
    assert {type(item) for item in found.reshape(-1)} <= {bytes}


def test_text_is_not_the_users_memory() -> None:
    names = np.array([b"a", b"b"], object)
    found = only_array(names)
    names[0] = b"changed"
    assert found.tolist() == [b"a", b"b"]


@pytest.mark.skipif(np.__version__ < "2", reason="numpy 1 has no such dtype")
def test_text_of_variable_width_becomes_bytes() -> None:
    names = np.array(["ä", "a long one"], np.dtypes.StringDType())
    assert only_array(names).tolist() == ["ä".encode(), b"a long one"]


def test_array_is_not_copied() -> None:
    assert only_array(A) is A


def test_object_with_array_method_becomes_what_it_gives() -> None:
    assert_same(only_array(Tensorlike([1.5, 2])), np.array([1.5, 2], np.float32))


@pytest.mark.parametrize(("mode", "dtype"), [("RGB", "uint8"), ("L", "uint8")])
def test_image_becomes_its_pixels(mode: str, dtype: str) -> None:
    image_module = pytest.importorskip("PIL.Image")
    pixels = np.arange(60, dtype=dtype).reshape(4, 5, 3)
    pixels = pixels if mode == "RGB" else pixels[:, :, 0].copy()
    assert_same(only_array(image_module.fromarray(pixels)), pixels)


REFUSED = [
    (object(), "the batch", "builtins.object"),
    ((A, object()), "[1]", "builtins.object"),
    ({"image": [A, {1, 2}]}, "['image'][1]", "builtins.set"),
    ({3: lambda: 0}, "[3]", "builtins.function"),
    ((A, (value for value in "ab")), "[1]", "builtins.generator"),
    (Batch(A, object), "[1]", "builtins.type"),
    ((np.array(["a", None], object),), "[0]", "builtins.NoneType"),
    ((np.array([1.5, "a"], object),), "[0]", "builtins.float"),
    ({"id": 2**70}, "['id']", "builtins.int"),
    ([SimpleNamespace()], "[0]", "types.SimpleNamespace"),
    ({"x": Attached()}, "['x']", f"{__name__}.Attached"),
]


@pytest.mark.parametrize(("batch", "place", "type_name"), REFUSED)
def test_leaf_that_is_no_array_is_refused_by_place_and_type(
    batch: Any, place: str, type_name: str
) -> None:
    with pytest.raises(BatchError) as caught:
        flatten(batch)
    assert str(caught.value).startswith(f"{place} holds a `{type_name}`")
    assert "`transform`" in str(caught.value)
    assert caught.value.index is None


def test_conversion_that_raises_is_told_and_is_the_cause() -> None:
    with pytest.raises(BatchError, match=r"call detach\(\) first") as caught:
        flatten({"x": Attached()})
    assert isinstance(caught.value.__cause__, RuntimeError)


@pytest.mark.parametrize(
    ("leaf", "dtype"),
    [
        (np.zeros(2, "datetime64[s]"), "datetime64[s]"),
        (np.zeros(2, "timedelta64[ms]"), "timedelta64[ms]"),
        (np.zeros(2, "V3"), "|V3"),
        (np.zeros(2, [("x", "f4")]), "[('x', '<f4')]"),
    ],
)
def test_dtype_that_tensorflow_lacks_is_refused_by_place_and_name(
    leaf: np.ndarray, dtype: str
) -> None:
    with pytest.raises(BatchError) as caught:
        flatten((A, {"when": leaf}))
    assert str(caught.value).startswith("[1]['when']")
    assert dtype in str(caught.value)


@pytest.mark.parametrize("dtype", [np.longdouble, np.clongdouble])
@pytest.mark.skipif(
    np.dtype(np.longdouble) == np.float64, reason="no longer float on this machine"
)
def test_number_wider_than_tensorflow_has_is_refused(dtype: Any) -> None:
    with pytest.raises(BatchError, match=r"\[1\]"):
        flatten((A, np.zeros(3, dtype)))


def test_places_name_the_way_to_each_leaf_that_has_arrays() -> None:
    structure, _ = flatten(({"b": A, "a": [B, None]}, Batch(A, "text"), 3))
    assert structure.leaf_names() == [
        "[0]['a'][0]",
        "[0]['b']",
        "[1][0]",
        "[1][1]",
        "[2]",
    ]


def test_place_of_a_single_leaf_is_the_batch() -> None:
    structure, _ = flatten(A)
    assert structure.leaf_names() == ["the batch"]


def test_kinds_tell_each_node_apart() -> None:
    structure, _ = flatten((A, {"x": None}))
    assert structure.kind == TUPLE
    assert [child.kind for child in structure.children] == [ARRAY, DICT]
    assert structure.children[1].children[0].kind == NONE


@pytest.mark.parametrize(
    ("batch", "text"),
    [
        (A, "array"),
        ((A, None, [B]), "(array, None, (array,))"),
        ({"y": A, "x": {"z": B}}, "{'x': {'z': array}, 'y': array}"),
        (Batch(A, B), "Batch(image=array, label=array)"),
    ],
)
def test_structure_prints_as_the_nesting_it_pictures(batch: Any, text: str) -> None:
    assert str(flatten(batch)[0]) == text


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((A, B), [B, A]),
        ({"x": A, "y": B}, {"y": "text", "x": 3}),
        ((A, None), [C, None]),
        (Batch(A, B), Batch(B, A)),
    ],
)
def test_structures_of_equal_nesting_are_equal(one: Any, other: Any) -> None:
    assert flatten(one)[0] == flatten(other)[0]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (A, (A,)),
        ((A, B), (A, B, C)),
        ((A, B), (A, None)),
        ({"x": A}, {"y": A}),
        ((A, B), {0: A, 1: B}),
        (Batch(A, B), (A, B)),
        ((), {}),
    ],
)
def test_structures_of_other_nesting_differ(one: Any, other: Any) -> None:
    assert flatten(one)[0] != flatten(other)[0]


def test_structure_survives_pickling() -> None:
    structure, _ = flatten(({"x": A}, Batch(None, B)))
    assert pickle.loads(pickle.dumps(structure)) == structure
