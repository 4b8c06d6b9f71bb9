"""What was done in this process is done in workers before the source is there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from seq2data.workers.payload.setup_steps import add_step, remove_step
from tests.workers.payload.test_payload import loaded, pack

VARIABLE = "SEQ2DATA_TESTS_PREPARED"


def step() -> None:
    os.environ[VARIABLE] = "yes"


class Asks:
    """Knows what had been done when it was loaded."""

    found = "nothing"

    def __setstate__(self, state: object) -> None:
        self.found = os.environ.get(VARIABLE, "no")

    def __getstate__(self) -> object:
        return True


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv(VARIABLE, "no")
    yield
    remove_step(step)


def test_steps_come_before_the_source() -> None:
    add_step(step)
    add_step(step)
    assert loaded(pack(Asks(), None)).found == "yes"


def test_steps_that_are_forgotten_are_not_done() -> None:
    add_step(step)
    remove_step(step)
    remove_step(step)
    assert loaded(pack(Asks(), None)).found == "no"


def test_steps_are_a_change_for_the_next_pass() -> None:
    source: Any = Asks()
    before = pack(source, None)
    assert pack(source, before) is before
    add_step(step)
    assert pack(source, before).version == before.version + 1
