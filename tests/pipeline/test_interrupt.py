from __future__ import annotations

import importlib.metadata
import os
import random
import signal
import sys
import threading
import time
import traceback
import weakref
from collections.abc import Iterator
from types import FrameType
from typing import Any, Callable

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

from seq2data.pipeline.interrupt import interrupt_watch  # noqa: E402

KERAS = int(importlib.metadata.version("keras").partition(".")[0])  # not tf_keras
TENSORFLOW = tuple(map(int, tf.__version__.split(".")[:2]))

pytestmark = pytest.mark.tensorflow


@pytest.fixture(autouse=True)
def watched() -> Iterator[None]:
    """Ctrl-C as a program at a terminal has it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    interrupt_watch.begin()
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def press() -> Iterator[Callable[[], None]]:
    """Has Ctrl-C pressed once, soon, while the test goes on."""
    pressed = threading.Event()
    is_over = threading.Event()

    def run() -> None:
        while True:
            pressed.wait()
            if is_over.is_set():
                return
            pressed.clear()
            time.sleep(random.uniform(0.001, 0.02))  # anywhere in the loop
            os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=run)
    thread.start()
    yield pressed.set
    is_over.set()
    pressed.set()
    thread.join()


def plainly(dataset: Any) -> None:
    for _ in dataset:
        continue


def by_hand(dataset: Any) -> None:
    iterator = iter(dataset)
    while True:
        next(iterator)


def in_one_call(dataset: Any) -> None:
    list(dataset)


def in_a_comprehension(dataset: Any) -> None:
    [None for _ in dataset]


def with_others(dataset: Any) -> None:
    for _ in zip(range(10**9), enumerate(dataset)):
        continue


@pytest.mark.parametrize(
    "loop", [plainly, by_hand, in_one_call, in_a_comprehension, with_others]
)
def test_interrupt_never_comes_out_of_next(
    loop: Callable[[Any], None], press: Callable[[], None]
) -> None:
    # TensorFlow's own dataset: it is TensorFlow's code that is protected.
    dataset = tf.data.Dataset.range(10**9).map(lambda number: (number, number))
    for _ in range(20):
        press()
        with pytest.raises(KeyboardInterrupt) as caught:
            loop(dataset)
        frames = traceback.extract_tb(caught.value.__traceback__)
        inside = [frame.name for frame in frames if "iterator_ops" in frame.filename]
        # One that had just begun, where C code makes the calls.
        assert inside in ([], ["__next__"])
        assert not interrupt_watch.is_pending()


class Pressed:
    """Numbers; Ctrl-C comes when TensorFlow asks for them."""

    is_read = False

    def __array__(self, *_: Any, **__: Any) -> np.ndarray:
        signal.raise_signal(signal.SIGINT)
        self.is_read = True
        return np.ones(3)


def test_interrupt_never_comes_out_of_making_a_tensor() -> None:
    numbers = Pressed()
    with pytest.raises(KeyboardInterrupt) as caught:  # noqa: PT012
        tf.constant(numbers)
        pytest.fail("no interrupt")
    assert numbers.is_read
    frames = traceback.extract_tb(caught.value.__traceback__)
    assert not [frame for frame in frames if "constant_op" in frame.filename]
    assert not interrupt_watch.is_pending()


class PressedShape(list[int]):
    """Ctrl-C comes when TensorFlow asks for its length."""

    is_read = False

    def __len__(self) -> int:
        signal.raise_signal(signal.SIGINT)
        self.is_read = True
        return super().__len__()


def test_interrupt_never_comes_out_of_running_an_operation() -> None:
    shape = PressedShape([2])
    with pytest.raises(KeyboardInterrupt):  # noqa: PT012
        tf.raw_ops.VarHandleOp(dtype=tf.float32, shape=shape)
        pytest.fail("no interrupt")
    assert shape.is_read
    assert not interrupt_watch.is_pending()


@pytest.mark.skipif(TENSORFLOW < (2, 15), reason="no `SymbolicTensor` is made")
def test_interrupt_never_comes_out_of_making_an_operation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from tensorflow.python.framework import ops

    made = []

    class PressedTensor(ops.SymbolicTensor):  # type: ignore[misc]
        """Ctrl-C comes when TensorFlow makes it."""

        def __init__(self, *arguments: Any) -> None:
            signal.raise_signal(signal.SIGINT)
            made.append(arguments)
            super().__init__(*arguments)

    monkeypatch.setattr(ops, "SymbolicTensor", PressedTensor)
    with tf.Graph().as_default(), pytest.raises(KeyboardInterrupt):  # noqa: PT012
        tf.raw_ops.NoOp()  # has none
        tf.raw_ops.Placeholder(dtype=tf.int64)
        pytest.fail("no interrupt")
    assert len(made) == 1
    assert not interrupt_watch.is_pending()


class PressedNumber:
    """Ctrl-C comes when Keras asks what it is."""

    def __float__(self) -> float:
        signal.raise_signal(signal.SIGINT)
        return 1.0

    def __getitem__(self, _: int) -> float:
        return float(self)


@pytest.mark.skipif(KERAS < 3, reason="Keras 2 has no `pythonify_logs`")
def test_interrupt_is_not_lost_when_logs_become_numbers() -> None:
    from keras.src.utils.python_utils import pythonify_logs

    with pytest.raises(KeyboardInterrupt):  # noqa: PT012
        pythonify_logs({"loss": PressedNumber()})
        pytest.fail("no interrupt")
    assert not interrupt_watch.is_pending()


@pytest.mark.skipif(KERAS < 3, reason="Keras 2 has no `shape` of its own")
def test_interrupt_is_not_lost_when_a_shape_is_unknown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from keras.src.backend.tensorflow import core

    monkeypatch.setattr(tf, "shape", lambda _: PressedNumber())

    @tf.function(input_signature=[tf.TensorSpec([None])], autograph=False)
    def ask(x: Any) -> None:
        core.shape(x)
        pytest.fail("no interrupt")

    with pytest.raises(KeyboardInterrupt):
        ask.get_concrete_function()
    assert not interrupt_watch.is_pending()


def test_interrupt_in_code_of_the_user_comes_at_once() -> None:
    with pytest.raises(KeyboardInterrupt) as caught:
        signal.raise_signal(signal.SIGINT)
    assert caught.traceback[-1].name == "_raise"
    assert caught.value.__suppress_context__


def test_second_interrupt_comes_at_once_and_alone() -> None:
    fragile: dict[str, Any] = {"__name__": "tensorflow.python.data.ops.iterator_ops"}
    exec(
        "import signal\n"
        "def press(times, done):\n"
        "    for _ in range(times):\n"
        "        signal.raise_signal(signal.SIGINT)\n"
        "        done.append(True)\n",
        fragile,
    )
    for times, num_done in ((1, 1), (2, 1), (1, 1)):
        done: list[bool] = []
        with pytest.raises(KeyboardInterrupt):  # noqa: PT012
            fragile["press"](times, done)
            done.append(False)  # where it comes if it was put off
        assert done == [True] * num_done
        assert sys.gettrace() is None
        assert not interrupt_watch.is_pending()


class Finalized:
    def __init__(self, calls: list[str]) -> None:
        self.calls = calls

    def __del__(self) -> None:
        self.calls.append("__del__")


def test_interrupt_is_not_lost_in_a_finalizer() -> None:
    fragile: dict[str, Any] = {"__name__": "tensorflow.python.data.ops.iterator_ops"}
    exec(
        "import signal\ndef press():\n    signal.raise_signal(signal.SIGINT)\n", fragile
    )
    calls: list[str] = []
    held = [Finalized(calls)]
    with pytest.raises(KeyboardInterrupt):  # noqa: PT012
        # Dropped before the next line, where the interrupt is due.
        held[0] = fragile["press"]()
        calls.append("after")
    assert calls == ["__del__"]


class PressedAtItsEnd:
    """Ctrl-C comes while it is finalized."""

    def __del__(self) -> None:
        signal.raise_signal(signal.SIGINT)


class WatchedAtItsEnd:
    """Ctrl-C comes in the callback of a weak reference to it."""

    def __init__(self) -> None:
        weakref.finalize(self, signal.raise_signal, signal.SIGINT)


@pytest.mark.parametrize("make", [PressedAtItsEnd, WatchedAtItsEnd])
def test_interrupt_that_a_finalizer_gets_is_not_lost(make: type[object]) -> None:
    # Python's own handler would have a finalizer's error ignored, and warned of.
    held = [make()]
    with pytest.raises(KeyboardInterrupt):  # noqa: PT012
        held.clear()
        pytest.fail("no interrupt")
    assert not interrupt_watch.is_pending()


def test_tracer_of_the_user_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    def trace(frame: FrameType, event: str, argument: Any) -> None:
        del frame, event, argument

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        assert sys.gettrace() is trace
    finally:
        sys.settrace(before)


def test_handler_of_the_user_is_kept() -> None:
    pressed = []
    signal.signal(signal.SIGINT, lambda *_: pressed.append(True))
    interrupt_watch.begin()
    signal.raise_signal(signal.SIGINT)
    assert pressed == [True]
    assert not interrupt_watch.is_pending()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    interrupt_watch.begin()
    assert not interrupt_watch.is_pending()


def test_wakeup_of_an_event_loop_is_kept_and_ours_comes_back() -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    ours = signal.set_wakeup_fd(writer)
    try:
        interrupt_watch.begin()
        assert signal.set_wakeup_fd(-1) == writer
        interrupt_watch.begin()
        assert signal.set_wakeup_fd(ours) == ours
    finally:
        signal.set_wakeup_fd(ours)
        os.close(reader)
        os.close(writer)


def test_forked_child_does_not_interrupt_its_parent() -> None:
    child = os.fork()
    if not child:
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            is_default = (
                signal.getsignal(signal.SIGINT) is signal.default_int_handler
                and signal.set_wakeup_fd(-1) == -1
            )
            os._exit(0 if is_default else 2)
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert status == 0
    assert not interrupt_watch.is_pending()
