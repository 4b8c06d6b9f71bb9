"""`ours` runs seq2data's side of a scenario; `--legacy` adds controls and a table."""

from __future__ import annotations

import importlib.metadata
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable

import pytest

from tests.deadlocks import program
from tests.deadlocks.fork_server import ForkServer
from tests.deadlocks.program import Outcome, Program
from tests.keras_version import KERAS_VERSION

pytest.importorskip("tensorflow")

_LIMIT_S = 300.0
_OURS_S = 120.0
_LEGACY_S = 25.0
_ROWS = pytest.StashKey[dict[str, dict[str, str]]]()


def pytest_pycollect_makeitem(collector: Any, name: str, obj: Any) -> Any:
    del obj
    if name == "test_legacy" and not collector.config.getoption("--legacy"):
        return []
    return None


def pytest_itemcollected(item: pytest.Item) -> None:
    """The programs have watchdogs, which tell more; this is for the watchdogs."""
    times = item.config.getoption("--repeat")
    item.add_marker(pytest.mark.timeout(_LIMIT_S + _OURS_S * times))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """What is interfered with from outside starts a new program for each repetition."""
    times = metafunc.config.getoption("--repeat")
    starts_itself = not {"ours", "legacy"} & set(metafunc.fixturenames)
    if times > 1 and starts_itself and "start" in metafunc.fixturenames:
        metafunc.fixturenames.append("repetition")
        metafunc.parametrize("repetition", range(times))


def _record(request: pytest.FixtureRequest, side: str, outcome: Outcome) -> None:
    rows = request.config.stash.setdefault(_ROWS, {}).setdefault(
        request.module.__name__, {}
    )
    rows["symptom"] = (request.module.__doc__ or "").splitlines()[0].rstrip(".")
    rows[side] = outcome.summary


@pytest.fixture
def ours(start: Callable[..., Program], request: pytest.FixtureRequest) -> Outcome:
    """What became of the scenario's `ours`, run to its end, `--repeat` times."""
    times = request.config.getoption("--repeat")
    outcome = start(**{program.REPEAT: str(times)}).finish(_OURS_S * times)
    _record(request, "seq2data", outcome)
    return outcome


@pytest.fixture
def legacy(start: Callable[..., Program], request: pytest.FixtureRequest) -> Outcome:
    """What became of the scenario's `legacy`: the control."""
    limit_s = getattr(request.module, "LEGACY_S", _LEGACY_S)
    outcome = start("legacy").finish(limit_s)
    _record(request, "legacy", outcome)
    return outcome


@pytest.fixture
def start(
    request: pytest.FixtureRequest, tmp_path: Path, server: ForkServer
) -> Iterator[Callable[..., Program]]:
    """Starts a side of the scenario that the test itself wants to interfere with."""
    programs = []

    def start(side: str = "ours", **environment: str) -> Program:
        # The controls are run as their users would run them.
        afresh = side == "legacy" or request.config.getoption("--own-interpreters")
        forks = None if afresh else server
        module = request.module.__name__
        started = program.start(module, side, tmp_path, forks, **environment)
        programs.append(started)
        return started

    yield start
    for started in programs:
        started.kill()


@pytest.fixture
def record(request: pytest.FixtureRequest) -> Callable[[str, Outcome], None]:
    """Enters the outcome of a started program into the table: (side, outcome)."""
    return lambda side, outcome: _record(request, side, outcome)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    rows = config.stash.get(_ROWS, {})
    if not config.getoption("--legacy") or not rows:
        return
    versions = {
        name: importlib.metadata.version(name)
        for name in ("keras", "tf_keras", "tensorflow", "seq2data", "numpy")
        if _is_installed(name)
    }
    about = ", ".join(f"{name} {version}" for name, version in versions.items())
    terminalreporter.write_line(f"\n{about}; {time.strftime('%Y-%m-%d')}\n")
    terminalreporter.write_line(
        "| scenario | Keras {}.{} | seq2data |\n|---|---|---|".format(*KERAS_VERSION)
    )
    for module in sorted(rows):
        row = rows[module]
        number = module.rpartition(".test_")[2][:2]
        legacy = row.get("legacy", "no control")
        terminalreporter.write_line(
            f"| {number} {row['symptom']} | {legacy} | {row.get('seq2data', '')} |"
        )


def _is_installed(name: str) -> bool:
    try:
        importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True
