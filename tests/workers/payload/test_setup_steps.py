"""Functions that were called in this process are called in workers before loading."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from seq2data.workers.payload.payload import pack
from seq2data.workers.payload.setup_steps import add_step, remove_step
from tests.workers.payload.loading import loaded

VARIABLE = "SEQ2DATA_TESTS_PREPARED"


def step() -> None:
    os.environ[VARIABLE] = "yes"


class Recorder:
    """Records what the step had set when it was loaded."""

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


def test_steps_are_called_once_before_the_source_is_loaded() -> None:
    add_step(step)
    add_step(step)
    assert loaded(pack(Recorder(), None)).found == "yes"


def test_removed_step_is_not_called() -> None:
    add_step(step)
    remove_step(step)
    remove_step(step)
    assert loaded(pack(Recorder(), None)).found == "no"


def test_new_step_makes_a_new_version_of_the_source() -> None:
    source: Any = Recorder()
    before = pack(source, None)
    assert pack(source, before) is before
    add_step(step)
    assert pack(source, before).version == before.version + 1
