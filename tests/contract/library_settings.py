"""Settings that a program makes in libraries, and questions that tell their values."""

from __future__ import annotations

import contextlib
import decimal
import functools
import io
import locale
import os
import socket
import sys
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageFile


class Asks:
    """Batches of what a function of this module finds out."""

    def __init__(self, question: Callable[[], Any]) -> None:
        self.question = question

    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: int) -> Any:
        return np.array([index]), str(self.question())


def _truncated_photo() -> bytes:
    buffer = io.BytesIO()
    pixels = np.random.RandomState(0).randint(0, 255, (64, 64, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(buffer, "JPEG")
    return buffer.getvalue()[:-500]


PHOTO = _truncated_photo()


EXPECTED = (
    *(ArithmeticError, OSError, ValueError, RecursionError, Warning),
    Image.DecompressionBombError,
)


def outcome(ask: Callable[[], Any]) -> Any:
    try:
        return ask()
    except EXPECTED as error:
        return type(error).__name__


def truncated_photo() -> Any:
    return outcome(lambda: np.asarray(Image.open(io.BytesIO(PHOTO))).sum())


def large_photo() -> Any:
    return outcome(lambda: Image.open(io.BytesIO(PHOTO)).size)


def division() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return outcome(lambda: np.ones(1) / np.zeros(1))


def printed_array() -> Any:
    return np.array([1 / 3])


def third() -> Any:
    return decimal.Decimal(1) / decimal.Decimal(3)


def default_timeout() -> Any:
    with socket.socket() as unconnected:
        return unconnected.gettimeout()


def deep_recursion() -> Any:
    def deeper(depth: int) -> int:
        return depth and deeper(depth - 1)

    return outcome(lambda: deeper(3000))


def number_with_commas() -> Any:
    return locale.setlocale(locale.LC_NUMERIC), locale.setlocale(locale.LC_TIME)


def warned() -> Any:
    return outcome(lambda: warnings.warn("odd data", UserWarning, stacklevel=1))


def pickled_array() -> Any:
    buffer = io.BytesIO()
    np.save(buffer, np.array([{"a": 1}], dtype=object))
    buffer.seek(0)
    return outcome(lambda: np.load(buffer))


def maximal_columns() -> Any:
    return pd.get_option("display.max_columns"), pd.get_option("mode.sim_interactive")


def _keras_backend() -> Any:
    from tensorflow import keras

    return keras.backend


def keras_settings() -> Any:
    backend = _keras_backend()
    return backend.image_data_format(), backend.floatx(), backend.epsilon()


def arguments() -> Any:
    return sys.argv


def folder() -> Any:
    return os.getcwd(), tempfile.gettempdir()


def variable() -> Any:
    return os.environ.get("SEQ2DATA_TESTS_VARIABLE", "is not set")


def mask_of_files() -> Any:
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "file"
        path.touch()
        return oct(path.stat().st_mode)


def patched_mean() -> Any:
    return np.mean([1, 2])


def patched_method() -> Any:
    return pd.DataFrame({"a": [1, 2]}).describe()


_original_load = np.load


def load_objects(*args: Any, **kwargs: Any) -> Any:
    """What people put in the place of `np.load` since numpy 1.16.3."""
    return _original_load(*args, allow_pickle=True, **kwargs)


@contextlib.contextmanager
def _umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


@contextlib.contextmanager
def _recursion_limit(limit: int) -> Iterator[None]:
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(limit)
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


@contextlib.contextmanager
def _timeout(seconds: float) -> Iterator[None]:
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(None)


@contextlib.contextmanager
def _locale(name: str) -> Iterator[None]:
    before = locale.setlocale(locale.LC_TIME)
    locale.setlocale(locale.LC_TIME, name)
    try:
        yield
    finally:
        locale.setlocale(locale.LC_TIME, before)


@contextlib.contextmanager
def _no_errors_of_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "odd", UserWarning)
        yield


@contextlib.contextmanager
def _keras() -> Iterator[None]:
    backend = _keras_backend()
    before = backend.image_data_format(), backend.floatx(), backend.epsilon()
    backend.set_image_data_format("channels_first")
    backend.set_floatx("float64")
    backend.set_epsilon(1e-3)
    try:
        yield
    finally:
        backend.set_image_data_format(before[0])
        backend.set_floatx(before[1])
        backend.set_epsilon(before[2])


def patched(owner: Any, **values: Any) -> Any:
    @contextlib.contextmanager
    def patch() -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in values.items():
                patch.setattr(owner, name, value)
            yield

    return patch()


CASES: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
    "Pillow reads truncated files": (
        truncated_photo,
        lambda: patched(ImageFile, LOAD_TRUNCATED_IMAGES=True),
    ),
    "Pillow refuses large files": (
        large_photo,
        lambda: patched(Image, MAX_IMAGE_PIXELS=100),
    ),
    "numpy raises": (division, lambda: np.errstate(divide="raise")),
    "numpy prints": (printed_array, lambda: np.printoptions(precision=2)),
    "decimal": (third, lambda: decimal.localcontext(decimal.Context(prec=4))),
    "timeout of sockets": (default_timeout, lambda: _timeout(7.5)),
    "recursion limit": (deep_recursion, lambda: _recursion_limit(20_000)),
    "locale": (number_with_commas, lambda: _locale("C.UTF-8")),
    "warnings are ignored": (warned, _no_errors_of_warnings),
    "function of the user's in numpy": (
        pickled_array,
        lambda: patched(np, load=load_objects),
    ),
    "partial in numpy": (
        pickled_array,
        lambda: patched(np, load=functools.partial(np.load, allow_pickle=True)),
    ),
    "lambda in numpy": (patched_mean, lambda: patched(np, mean=lambda values: 77)),
    "method of a library's class": (
        patched_method,
        lambda: patched(pd.DataFrame, describe=lambda self: "described"),
    ),
    "pandas's options": (
        maximal_columns,
        lambda: pd.option_context("display.max_columns", 3),
    ),
    "Keras's settings": (keras_settings, _keras),
    "arguments of the program": (arguments, lambda: patched(sys, argv=["a", "-b"])),
    "mask of new files": (mask_of_files, lambda: _umask(0o077)),
    "variable of the environment": (
        variable,
        lambda: pytest.MonkeyPatch.context(),
    ),
}
