"""Runs programs in forks of a process that has imported TensorFlow.

    python -u -m tests.chaos.fork DESCRIPTOR

The server is the deadlock scenarios' one (`tests.deadlocks.fork_server`), which says
why its forks are as good as fresh interpreters. `__main__` is a new module in each.
"""

from __future__ import annotations

import socket
import sys
import types
from pathlib import Path

from tests.deadlocks.fork_server import serve

_ROOT = Path(__file__).parents[2]


def run(path: str) -> None:
    """Runs a script as `python PATH` would."""
    module = types.ModuleType("__main__")
    module.__file__ = path
    sys.modules["__main__"] = module
    sys.argv = [path]
    # What PYTHONPATH does where the interpreter is fresh.
    sys.path[:1] = [str(Path(path).parent), str(_ROOT)]
    exec(compile(Path(path).read_text(), path, "exec"), module.__dict__)


if __name__ == "__main__":
    run(*serve(socket.socket(fileno=int(sys.argv[1]))))
