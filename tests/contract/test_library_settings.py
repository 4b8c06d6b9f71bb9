"""What the program has set in libraries holds wherever batches are read."""

from __future__ import annotations

import contextlib
import decimal
import functools
import io
import locale
import logging
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

from tests.oracle import assert_yields

tf = pytest.importorskip("tensorflow")

from seq2data import to_dataset  # noqa: E402  # needs TensorFlow

pytestmark = pytest.mark.tensorflow


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


def keras_settings() -> Any:
    backend = tf.keras.backend
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


def _load_objects(*args: Any, **kwargs: Any) -> Any:
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
    backend = tf.keras.backend
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


def _patched(owner: Any, **values: Any) -> Any:
    @contextlib.contextmanager
    def patched() -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in values.items():
                patch.setattr(owner, name, value)
            yield

    return patched()


CASES: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
    "Pillow reads truncated files": (
        truncated_photo,
        lambda: _patched(ImageFile, LOAD_TRUNCATED_IMAGES=True),
    ),
    "Pillow refuses large files": (
        large_photo,
        lambda: _patched(Image, MAX_IMAGE_PIXELS=100),
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
        lambda: _patched(np, load=_load_objects),
    ),
    "partial in numpy": (
        pickled_array,
        lambda: _patched(np, load=functools.partial(np.load, allow_pickle=True)),
    ),
    "lambda in numpy": (patched_mean, lambda: _patched(np, mean=lambda values: 77)),
    "method of a library's class": (
        patched_method,
        lambda: _patched(pd.DataFrame, describe=lambda self: "described"),
    ),
    "pandas's options": (
        maximal_columns,
        lambda: pd.option_context("display.max_columns", 3),
    ),
    "Keras's settings": (keras_settings, _keras),
    "arguments of the program": (arguments, lambda: _patched(sys, argv=["a", "-b"])),
    "mask of new files": (mask_of_files, lambda: _umask(0o077)),
    "variable of the environment": (
        variable,
        lambda: pytest.MonkeyPatch.context(),
    ),
}


# Each thread has its own.
OF_THREADS = ["numpy raises", "numpy prints", "decimal"]


def _check(case: str, mode: dict[str, Any]) -> None:
    ask, setting = CASES[case]
    source = Asks(ask)
    unset = source[0][1]
    with setting() as patch:
        if case == "variable of the environment":
            patch.setenv("SEQ2DATA_TESTS_VARIABLE", "is set")
        if case != "locale":  # the system may have one only
            assert source[0][1] != unset
        assert_yields(to_dataset(source, **mode), source)


@pytest.mark.parametrize("case", CASES)
def test_setting_of_a_library_holds_in_a_process(case: str) -> None:
    _check(case, {"workers": 1})


@pytest.mark.parametrize("case", [*OF_THREADS, "function of the user's in numpy"])
def test_setting_is_the_same_in_all_ways_of_reading(
    case: str, mode: dict[str, Any]
) -> None:
    _check(case, mode)


def test_settings_follow_between_epochs(
    mode: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = Asks(folder)
    dataset = to_dataset(source, **mode)
    assert_yields(dataset, source)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert_yields(dataset, source)


def test_what_was_patched_is_put_back_with_the_next_epoch(
    mode: dict[str, Any],
) -> None:
    source = Asks(pickled_array)
    dataset = to_dataset(source, **mode)
    assert_yields(dataset, source)
    with _patched(np, load=_load_objects):
        assert_yields(dataset, source)
    assert_yields(dataset, source)


class Logs:
    """Writes a line to a logger for each batch."""

    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: int) -> Any:
        logging.getLogger("tests.reader").info("batch %d", index)
        logging.getLogger("tests.reader").debug("not this")
        return np.array([index, logging.getLogger("tests.reader").level])


def test_loggers_have_their_levels_and_handlers(
    start_method: str, tmp_path: Path
) -> None:
    logger = logging.getLogger("tests.reader")
    handler = logging.FileHandler(tmp_path / "log")
    handler.setFormatter(logging.Formatter("%(name)s: %(message)s"))
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        assert_yields(to_dataset(Logs(), workers=1), Logs())
    finally:
        logger.removeHandler(handler)
        handler.close()
        logger.setLevel(logging.NOTSET)
    lines = (tmp_path / "log").read_text().splitlines()
    assert sorted(set(lines)) == [f"tests.reader: batch {i}" for i in range(3)]


def _torch_default() -> Any:
    return sys.modules["torch"].get_default_dtype()


def test_torch_has_its_default_dtype() -> None:
    torch = pytest.importorskip("torch")
    torch.set_default_dtype(torch.float64)
    try:
        assert_yields(to_dataset(Asks(_torch_default)), Asks(_torch_default))
    finally:
        torch.set_default_dtype(torch.float32)
