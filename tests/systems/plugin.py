"""A plugin of pytest's: what it collects is run as on another system.

python -m pytest -p tests.systems.plugin --system macos tests/contract/...
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "children"))

from taken_away import SYSTEMS, seeing_all, take_away


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--system", help="one of its names, or names to take away")


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    import tensorflow  # noqa: F401  # as this system has it

    import tests.conftest
    import tests.leaks

    for name in ("ours", "processes_with", "processes_of_session"):
        seeing = seeing_all(getattr(tests.leaks, name))
        setattr(tests.leaks, name, seeing)
        if hasattr(tests.conftest, name):
            setattr(tests.conftest, name, seeing)
    system = config.getoption("--system")
    take_away(SYSTEMS.get(system, tuple(system.split())))
    config.addinivalue_line(
        "filterwarnings", "ignore:(there can be no|this system has no):RuntimeWarning"
    )
