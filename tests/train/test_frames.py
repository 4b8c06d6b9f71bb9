"""Frames of pandas as batches, sources with a `shape`, forms of a batch of x alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")
pd = pytest.importorskip("pandas")

import seq2data  # noqa: E402
from tests.train.frame_batches import FORMS, frame  # noqa: E402
from tests.train.linear_models import forever, linear, sums_of  # noqa: E402
from tests.train.odd_batches import Batches, Y, rows, trained  # noqa: E402

pytestmark = pytest.mark.tensorflow

WAYS = [{"workers": 0}, {"workers": 2}, {"workers": 2, "use_multiprocessing": True}]


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.parametrize("form", list(FORMS))
def test_prediction_of_x_in_any_form(form: str, way: dict[str, Any]) -> None:
    model = linear()
    model.set_weights([np.ones((2, 1))])
    source = Batches(FORMS[form])
    due = np.repeat([2.0, 4, 6], 4)[:, None]
    got = seq2data.predict_generator(model, source, **way)
    np.testing.assert_allclose(got, due)
    got = seq2data.predict_generator(model, forever(source), steps=3, **way)
    np.testing.assert_allclose(got, due)


LABELS = {
    "series": pd.Series(Y),
    "series of ints": pd.Series(Y.astype(int), index=list("abcd")),
    "nullable": pd.Series(Y.astype(int), dtype="Int64"),
    "bools": pd.Series(Y.astype(bool)),
    "frame": pd.DataFrame({"y": Y}),
    "column": frame(0)["a"] * Y,
}


@pytest.mark.parametrize("form", list(LABELS))
def test_training_and_evaluation_of_frames(form: str) -> None:
    source = Batches(lambda index: (frame(index), LABELS[form]))
    for way in ({}, {"generator": True}, WAYS[2]):
        assert sums_of(source, **way) == pytest.approx([trained()], abs=1e-6)
    assert seq2data.evaluate_generator(linear(), source) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("columns", "dtype"),
    [
        ({"a": [1.0, 2.5], "b": [True, False]}, "float64"),
        ({"a": pd.array([1, 2], dtype="Int64"), "b": [3, 4]}, "int64"),
        ({"a": pd.array([1, 2], dtype="Int32"), "b": [0.5, 4]}, "float64"),
        ({"a": np.array([1, 2], "int8"), "b": [True, False]}, "int64"),
        ({"a": ["x", "y"], "b": ["z", "ü"]}, "O"),
    ],
    ids=str,
)
def test_columns_of_several_dtypes(columns: Any, dtype: str) -> None:
    table = pd.DataFrame(columns)
    (got,) = seq2data.to_dataset([table], workers=0)
    if dtype == "O":
        assert got.numpy().tolist() == [[b"x", b"z"], [b"y", "ü".encode()]]
        return
    assert np.can_cast(got.numpy().dtype, dtype)
    np.testing.assert_array_equal(got.numpy(), table.astype(dtype).to_numpy())


def test_columns_that_have_no_common_dtype() -> None:
    table = pd.DataFrame({"a": ["x", "y"], "b": [1, 2]})
    with pytest.raises(seq2data.BatchError, match="cannot become an array"):
        seq2data.to_dataset([table], workers=0)


def settings(**attributes: Any) -> Batches:
    source = Batches(lambda index: (rows(index), Y))
    vars(source).update(attributes)
    return source


SHAPED = [
    {"shape": (64, 64, 3)},
    {"shape": (3, 64)},  # as many as there are batches
    {"shape": (64, 64), "dtype": "float32"},
    {"shape": [3, 64], "dtype": np.float32},
    {"shape": None, "ndim": 2, "size": 4},
    {"shape": (3,), "dtype": np.dtype("f4"), "on_epoch_end": lambda: None},
]


@pytest.mark.usefixtures("patched")
@pytest.mark.parametrize("attributes", SHAPED)
def test_source_with_a_shape_is_no_array(attributes: dict[str, Any]) -> None:
    source, model = settings(**attributes), linear()
    model.fit(source, shuffle=False, verbose=0, validation_data=source)
    assert model.get_weights()[0].sum() == pytest.approx(trained(), abs=1e-6)
    loss = model.evaluate(source, verbose=0)
    assert model.predict(source, verbose=0).shape == (12, 1)
    history = model.fit(rows(0), Y, validation_data=source, verbose=0, epochs=2)
    assert len(history.history["val_loss"]) == 2
    model = linear()
    history = model.fit_generator(source, validation_data=source, verbose=0)
    assert history.history["val_loss"] == [pytest.approx(loss, rel=0.2)]


class Rows:
    """An array of a library that numpy does not know, such as `HDF5Matrix`."""

    shape = (4, 2)
    dtype = np.dtype("f4")

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: Any) -> Any:
        return rows(0)[index]


def test_arrays_are_left_to_keras() -> None:
    from seq2data.train.legacy_sources import is_legacy

    scipy_sparse = pytest.importorskip("scipy.sparse")
    ragged = tf.ragged.constant([[1], [2, 3]])
    arrays = [rows(0), frame(0), frame(0)["a"], Rows(), tf.constant([1]), ragged]
    arrays += [tf.Variable([1]), scipy_sparse.csr_matrix(rows(0)), [1], (1,), {"a": 1}]
    assert not any(map(is_legacy, arrays))
    assert is_legacy(settings(shape=(1, 2)))
