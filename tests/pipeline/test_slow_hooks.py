"""A hook that takes long holds nothing up but its own epoch."""

from __future__ import annotations

import os
import signal
import threading
import warnings
from collections.abc import Iterator
from typing import Any, Callable

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

from tensorflow import keras  # noqa: E402  # needs TensorFlow

from seq2data import to_dataset  # noqa: E402  # needs TensorFlow
from seq2data.pipeline import hook_thread, task_wait  # noqa: E402
from seq2data.pipeline.interrupt import interrupt_watch  # noqa: E402

pytestmark = pytest.mark.tensorflow

NUM_BATCHES = 4
# A test fails after it, and does not hang.
_LIMIT_S = 60.0


class Gated:
    """One of its hooks returns when the test says so."""

    def __init__(self, gated: str = "on_epoch_end") -> None:
        self.gated = ""
        self.next_gated = gated
        self.began = threading.Event()
        self.may_return = threading.Event()
        self.returned = threading.Event()
        self.calls: list[tuple[str, str]] = []

    def close_gate(self) -> None:
        """Makes the hook wait from now on."""
        self.gated = self.next_gated

    def _call(self, name: str) -> None:
        thread = threading.current_thread()
        self.calls.append((name, thread.name))
        if name == self.gated and thread is not threading.main_thread():
            self.began.set()
            self.may_return.wait(_LIMIT_S)
            self.returned.set()

    def __len__(self) -> int:
        self._call("__len__")
        return NUM_BATCHES

    def __getitem__(self, index: int) -> Any:
        return np.full((2, 3), index, np.float32), np.zeros((2, 1), np.float32)

    def on_epoch_begin(self) -> None:
        self._call("on_epoch_begin")

    def on_epoch_end(self) -> None:
        self._call("on_epoch_end")


@pytest.fixture
def source(request: pytest.FixtureRequest) -> Iterator[Gated]:
    gated = Gated(getattr(request, "param", "on_epoch_end"))
    yield gated
    gated.may_return.set()


def opened(source: Gated, **options: Any) -> Any:
    """Returns a dataset whose first epoch was complete."""
    dataset = to_dataset(source, workers=0, **options)
    assert len(list(dataset)) == NUM_BATCHES
    source.close_gate()
    return dataset


def in_thread(function: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=function)
    thread.start()
    return thread


def plainly(dataset: Any) -> None:
    for _ in dataset:
        continue


def derived(dataset: Any) -> None:
    for _ in dataset.prefetch(2):
        continue


def in_fit(dataset: Any) -> None:
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(dataset, verbose=0)


@pytest.mark.parametrize(
    "source", ["on_epoch_begin", "__len__", "on_epoch_end"], indirect=True
)
@pytest.mark.parametrize("loop", [plainly, derived, in_fit])
def test_interrupt_comes_while_a_hook_runs(
    source: Gated, loop: Callable[[Any], None]
) -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    interrupt_watch.begin()
    dataset = opened(source)

    def press() -> None:
        source.began.wait(_LIMIT_S)
        os.kill(os.getpid(), signal.SIGINT)

    pressing = in_thread(press)
    try:
        with pytest.raises(KeyboardInterrupt):
            loop(dataset)
        assert not source.returned.is_set()
    finally:
        pressing.join()
        signal.signal(signal.SIGINT, before)
    assert not interrupt_watch.is_pending()


def test_last_batch_comes_after_the_hook_has_returned(source: Gated) -> None:
    dataset = opened(source)
    got: list[bool] = []

    def read() -> None:
        for _ in dataset:
            got.append(source.returned.is_set())

    reading = in_thread(read)
    assert source.began.wait(_LIMIT_S)
    assert len(got) < NUM_BATCHES
    source.may_return.set()
    reading.join()
    assert got == [False] * (NUM_BATCHES - 1) + [True]


def test_iterator_is_deleted_while_its_hook_runs(source: Gated) -> None:
    iterator = iter(opened(source).prefetch(NUM_BATCHES))
    next(iterator)
    assert source.began.wait(_LIMIT_S)
    del iterator
    assert not source.returned.is_set()


def test_other_iterator_goes_on_while_a_hook_runs(source: Gated) -> None:
    dataset = opened(source)
    other = iter(dataset)
    first = next(other)
    reading = in_thread(lambda: list(dataset))
    assert source.began.wait(_LIMIT_S)
    batches = [first, *(next(other) for _ in range(NUM_BATCHES - 2))]
    assert [int(x[0, 0]) for x, _ in batches] == list(range(NUM_BATCHES - 1))
    assert not source.returned.is_set()
    source.may_return.set()
    reading.join()
    assert int(next(other)[0][0, 0]) == NUM_BATCHES - 1


class Counting(Gated):
    """Counts how many of its hooks run at the same time."""

    def __init__(self) -> None:
        super().__init__("")
        self.running = 0
        self.most = 0

    def _call(self, name: str) -> None:
        self.running += 1
        for _ in range(2000):  # in which other threads run, too
            self.most = max(self.most, self.running)
        self.running -= 1
        super()._call(name)

    def __len__(self) -> int:
        return NUM_BATCHES  # the program may ask for it at any moment


def test_hooks_of_several_iterators_run_one_at_a_time() -> None:
    source = Counting()
    dataset = to_dataset(source, workers=0)
    loops = [in_thread(lambda: list(dataset.repeat(10))) for _ in range(3)]
    for loop in loops:
        loop.join()
    assert source.most == 1
    names = [name for name, _ in source.calls]
    assert names.count("on_epoch_end") == names.count("on_epoch_begin") == 30
    threads = {thread for name, thread in source.calls if name == "on_epoch_end"}
    assert len(threads) == 1


def test_slow_hook_is_reported_with_its_stack(
    source: Gated, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts: list[str] = []

    def show(message: Any, *_: Any) -> None:
        texts.append(str(message))
        source.may_return.set()

    monkeypatch.setattr(hook_thread, "FIRST_WARNING_S", 0)
    dataset = opened(source)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        monkeypatch.setattr(warnings, "showwarning", show)
        assert len(list(dataset)) == NUM_BATCHES
    assert "`Gated.on_epoch_end` has not returned for" in texts[0]
    assert "in on_epoch_end" in texts[0]


def test_hook_that_never_returns_is_an_error_with_a_time_limit(
    source: Gated, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hook_thread, "FIRST_WARNING_S", 0.1)
    dataset = opened(source, timeout=0.1)
    with pytest.raises(tf.errors.OpError, match="took longer than") as caught:
        list(dataset)
    assert "`Gated.on_epoch_end`" in str(caught.value)
    assert "in on_epoch_end" in str(caught.value)
    assert not source.returned.is_set()


def test_small_time_limit_of_batches_is_none_for_hooks(
    source: Gated, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = threading.Event()
    waits = hook_thread.ends_within

    def look(*arguments: Any) -> bool:
        has_ended = waits(*arguments)
        if not has_ended:
            source.may_return.set()
            looked.set()
        return has_ended

    dataset = opened(source, timeout=task_wait.SLICE_S / 2)
    monkeypatch.setattr(hook_thread, "ends_within", look)
    assert len(list(dataset)) == NUM_BATCHES
    assert looked.is_set()


class Failing(Gated):
    def on_epoch_end(self) -> None:
        raise LookupError("no such schedule")


def test_epoch_whose_hook_has_raised_goes_on_with_an_error() -> None:
    iterator = iter(to_dataset(Failing(), workers=0))
    for _ in range(NUM_BATCHES - 1):
        next(iterator)
    with pytest.raises(tf.errors.OpError, match="no such schedule"):
        next(iterator)
    with pytest.raises(tf.errors.OpError, match="ended in an error of `on_epoch_end`"):
        next(iterator)


class FailingOnce(Gated):
    """Raises before its second epoch, the first time."""

    def on_epoch_begin(self) -> None:
        super().on_epoch_begin()
        if len([name for name, _ in self.calls if name == "on_epoch_begin"]) == 2:
            raise LookupError("no such schedule")


def test_epoch_begins_again_after_an_error_before_it() -> None:
    dataset = to_dataset(FailingOnce(), workers=0)
    assert len(list(dataset)) == NUM_BATCHES
    iterator = iter(dataset)
    with pytest.raises(tf.errors.OpError, match="no such schedule"):
        next(iterator)
    assert [int(x[0, 0]) for x, _ in iterator] == list(range(NUM_BATCHES))


class Exiting(Gated):
    def on_epoch_end(self) -> None:
        raise SystemExit("enough")


def test_exit_in_a_hook_is_an_error() -> None:
    with pytest.raises(tf.errors.OpError, match="enough"):
        list(to_dataset(Exiting(), workers=0))
