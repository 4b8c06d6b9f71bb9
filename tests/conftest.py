"""Fixtures of all tests: readers of every kind, and nothing left behind by any test."""

from __future__ import annotations

import gc
import signal
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.leaks import assert_nothing_left, ours

if TYPE_CHECKING:
    from tests.deadlocks.fork_server import ForkServer

MODES = {
    "inline": {"workers": 0},
    "threads": {"workers": 2, "use_multiprocessing": False},
    "forked": {"workers": 2},
    "executed": {"workers": 2},
}
# Until all is imported; see `freeze_what_is_imported`.
gc.disable()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--legacy",
        action="store_true",
        help="run the deadlock scenarios the legacy way, too, and print a table",
    )
    parser.addoption(
        "--own-interpreters",
        action="store_true",
        help="start each deadlock scenario's program in an interpreter of its own, "
        "not as a fork of one that has imported TensorFlow; takes twice as long",
    )
    parser.addoption(
        "--repeat",
        type=int,
        default=1,
        help="run each deadlock scenario so many times in a row",
    )


@pytest.fixture(params=list(MODES))
def mode(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> dict[str, object]:
    """Keyword arguments of `to_dataset`, once for each way of reading."""
    if request.param == "executed":
        monkeypatch.setenv("SEQ2DATA_START_METHOD", "exec")
    return dict(MODES[request.param])


@pytest.fixture(params=["inline", "threads", "forked"])
def way(request: pytest.FixtureRequest) -> dict[str, object]:
    """`mode` for tests of many kinds: executed workers read them as forked ones do."""
    return dict(MODES[request.param])


@pytest.fixture(params=["fork", "exec"])
def start_method(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> str:
    """Both ways in which worker processes come to be."""
    monkeypatch.setenv("SEQ2DATA_START_METHOD", request.param)
    return str(request.param)


@pytest.fixture(scope="session")
def server() -> Iterator[ForkServer]:
    """Forks programs that need TensorFlow, which is imported once for all of them."""
    from tests.deadlocks.fork_server import ForkServer

    server = ForkServer()
    yield server
    server.close()


@pytest.fixture(autouse=True, scope="session")
def watch_for_interrupts() -> None:
    """Its sockets come with the first dataset and stay: no test is to blame."""
    from seq2data.pipeline.interrupt import interrupt_watch

    # A background job of a shell inherits an ignored SIGINT.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    interrupt_watch.begin()


@pytest.fixture(autouse=True, scope="session")
def freeze_what_is_imported() -> None:
    """Tests collect garbage often; TensorFlow's modules, 0.1 s each time, are none."""
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.fixture(autouse=True)
def nothing_left_behind() -> Iterator[None]:
    """Fails a test that leaves a process, a thread, a descriptor or shared memory.

    TensorFlow's own threads and descriptors come with its first use and stay; a test
    that is the first to use it would be blamed for them, so only ours count: threads by
    name, descriptors by what they are.
    """
    before = ours()
    yield
    assert_nothing_left(before)
