"""The fuzzer finds what is wrong on purpose, and nothing in a few programs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, Optional

import pytest

from tests.chaos.choices import Choices, contradictions, draw, program_seed
from tests.chaos.consumers import CONSUMERS
from tests.chaos.faults import FAULTS
from tests.chaos.habits import HABITS
from tests.chaos.oracle import Expected, Told, complaints, expected, plain
from tests.chaos.program import EXIT_OF_LEAVING, text_of
from tests.deadlocks import program
from tests.deadlocks.fork_server import ForkServer

pytest.importorskip("tensorflow")

from tests.chaos.run import run  # after the question for TensorFlow

pytestmark = pytest.mark.tensorflow

_ROOT = Path(__file__).parents[2]
_MANY = 4000
# Programs of this run are part of the normal suite.
_SEED, _PROGRAMS = 908, 8
_QUIET = Choices(
    seed=0,
    source="sequence",
    in_module=False,
    num_batches=6,
    at=3,
    offset=100,
    extra=5,
    structure="pair",
    size="tiny",
    dtype="float32",
    layout="C",
    epochs=1,
    shuffle=False,
    dataset_seed=None,
    workers=2,
    processes=True,
    start_method="fork",
    max_queue_size=10,
    timeout=None,
    fault=None,
    consumer="loop",
    stop=2,
    catches=True,
    start="forked",
    habits=(),
)


def _command(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join(filter(None, [str(_ROOT), *sys.path]))
    return subprocess.run(
        [sys.executable, "-m", "tests.chaos", *arguments],
        cwd=_ROOT,
        env={**os.environ, "PYTHONPATH": path, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_seed_gives_the_same_program_in_every_process() -> None:
    seed = program_seed(7, 3)
    shown = [
        _command("--show", str(seed), PYTHONHASHSEED=hashes).stdout
        for hashes in ("1", "2")
    ]
    assert shown == [text_of(draw(seed))] * 2


def test_every_choice_comes_up_and_makes_a_script() -> None:
    drawn = [draw(program_seed(1, number)) for number in range(_MANY)]
    assert {choices.fault for choices in drawn} == {None, *FAULTS}
    assert {choices.consumer for choices in drawn} == set(CONSUMERS)
    habits = {habit for choices in drawn for habit in choices.habits}
    assert {name for _, name in habits} == set(HABITS)
    for choices in drawn[:200]:
        compile(text_of(choices), "program", "exec")


@pytest.mark.parametrize(
    "changes",
    [
        {"source": "generator", "shuffle": True, "dataset_seed": 1},
        {"fault": "SIGKILL", "workers": 0},
        {"fault": "SIGKILL", "processes": False},
        {"num_batches": 0, "fault": "slow"},
        {"habits": (("module", "umask"),)},
        {"habits": (("before", "low recursion limit"),)},
    ],
)
def test_choices_that_contradict_are_told(changes: dict[str, Any]) -> None:
    assert not list(contradictions(_QUIET))
    assert list(contradictions(replace(_QUIET, **changes)))


# What is put in the place of what, and what must be found.
_BUILT_IN: dict[str, tuple[dict[str, Any], tuple[str, str], str]] = {
    "a wrong batch": (
        {},
        ("    return batch_of(index)", "    return batch_of(min(index, 4))"),
        "wrong batch: number 5",
    ),
    "a batch twice": (
        {},
        ("in dataset:\n", "in dataset.concatenate(dataset.take(1)):\n"),
        "wrong batch: number 6",
    ),
    "a missing batch": ({}, ("in dataset:\n", "in dataset.take(5):\n"), "missing"),
    "another order": (
        {"shuffle": True, "dataset_seed": 3},
        ("seed=3", "seed=4"),
        "wrong batch",
    ),
    "another value of a global": ({}, ("\nEXTRA = 5", "\nEXTRA = 6"), "wrong batch"),
    "another dtype": ({}, ('astype("float32")', 'astype("float64")'), "wrong batch"),
    "no error": ({"fault": "KeyError"}, ("raise KeyError", "str"), "no error"),
    "an error without the type": (
        {"fault": "KeyError"},
        ("raise KeyError", "raise OSError"),
        "an error without 'KeyError'",
    ),
    "an error that is not expected": (
        {},
        ("NUM_BATCHES = 6", "NUM_BATCHES = 0"),
        "an error",
    ),
    "a process that is left": (
        {},
        ("tell(end=True)", "os.fork() or time.sleep(99); tell(end=True)"),
        "left behind",
    ),
    "a file that is left": (
        {},
        ("tell(end=True)", "tempfile.mkstemp(); tell(end=True)"),
        "left behind",
    ),
    "an exit status": ({}, ("tell(end=True)", "os._exit(9)"), "exit status: 9"),
    "a death": ({}, ("tell(end=True)", "os.kill(os.getpid(), 9)"), "exit status: -9"),
    "a hang": ({}, ("tell(end=True)", "threading.Event().wait()"), "hang"),
}


@pytest.mark.parametrize("what", _BUILT_IN)
def test_what_is_built_in_on_purpose_is_found(
    what: str, server: ForkServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program, "_GONE_S", 1.0)
    changes, (old, new), find = _BUILT_IN[what]
    choices = replace(_QUIET, **changes)
    text = text_of(choices)
    assert old in text
    limit_s = 8.0 if what == "a hang" else 60.0
    found = run(choices, server, text=text.replace(old, new), limit_s=limit_s)
    assert found is not None
    assert any(one.startswith(find) for one in found["find"]), found


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"fault": "KeyError", "catches": False},
        {"fault": "SIGKILL once", "at": 0},
        {"fault": "exit 3"},
        {"fault": "no array", "at": 5},
        {"consumer": "leaves"},
        {"num_batches": 0},
        {"consumer": "fit", "epochs": 2},
        {"source": "generator", "fault": "SIGKILL once"},
    ],
)
def test_program_that_ends_as_it_must_is_no_find(
    changes: dict[str, Any], server: ForkServer
) -> None:
    assert run(replace(_QUIET, **changes), server) is None


def _told(
    wanted: Expected, error: Optional[str] = None, seconds: Optional[float] = None
) -> Told:
    return Told(wanted.batches, error, 0, [], seconds)


def test_error_after_the_timeout_must_come_in_time() -> None:
    wanted = expected(replace(_QUIET, fault="stops", timeout=6.0))
    text = "BatchTimeoutError: batch 3 took more than timeout=6.0"
    assert not complaints(wanted, _told(wanted, text, 7.0), catches=True)
    late = complaints(wanted, _told(wanted, text, 61.0), catches=True)
    assert late == ["a late error: 61 s"]


def test_error_that_a_habit_allows_is_no_find() -> None:
    wanted = expected(replace(_QUIET, habits=(("before", "too large a variable"),)))
    text = "OSError: the environment variable TOO_LARGE has more than 128 kB"
    assert not complaints(wanted, _told(wanted, text), catches=True)
    assert complaints(wanted, _told(wanted, "OSError: [Errno 7]"), catches=True)


def test_consumer_that_leaves_before_a_death_leaves_with_its_own_code() -> None:
    choices = replace(_QUIET, source="generator", fault="SIGTERM", at=5)
    choices = replace(choices, consumer="leaves", stop=2)
    assert expected(choices).code == EXIT_OF_LEAVING


def test_oracle_is_plain_indexing() -> None:
    choices = replace(_QUIET, structure="number", num_batches=3, consumer="take")
    batches = plain(choices)
    assert [batch[:2] for batch in batches] == [["<i8", []]] * 3
    assert len({batch[2] for batch in batches}) == 3
    assert expected(choices).batches == [(0, batches[0]), (0, batches[1])]


@pytest.mark.parametrize("number", range(_PROGRAMS))
def test_program_of_a_run_is_no_find(number: int, server: ForkServer) -> None:
    found = run(draw(program_seed(_SEED, number)), server)
    assert found is None, json.dumps(found, indent=1)


def test_run_tells_its_seed_and_its_end() -> None:
    done = _command("--seconds", "0.1", "--seed", str(_SEED))
    first, *_, last = map(json.loads, done.stdout.splitlines())
    assert first == {"seed": _SEED}
    assert (last["programs"], last["finds"]) == (1, done.returncode)
    assert "tensorflow" in last["versions"]
