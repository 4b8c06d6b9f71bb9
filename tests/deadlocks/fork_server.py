"""Forks programs from a process that has imported TensorFlow, Keras and seq2data.

    python -u -m tests.deadlocks.fork_server DESCRIPTOR [seq2data]

Those imports take longer than most programs. The process has one thread and has run
no operation, so what it forks is as good as a fresh interpreter, and ends like one.

    tests --request, [out, err, status]--> server --fork--> keeper --fork--> program

A keeper sends the program's pid, waits for its end, and sends its exit status. The
program runs what an interpreter with the same arguments would: `SCRIPT ...`,
`-m MODULE ...` or `-c CODE ...`.
"""

from __future__ import annotations

import gc
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import tempfile
import types
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from typing import IO, Any, Optional

_ROOT = Path(__file__).parents[2]
_MOST_BYTES = 1 << 18


class Forked:
    """A program that a server has forked; has what `subprocess.Popen` has.

    Attributes:
        pid: Its process id, and that of its session.
        returncode: None until `poll` or `wait` has seen its end.
    """

    def __init__(self, status: Connection) -> None:
        self._status = status
        self.pid: int = status.recv()
        self.returncode: Optional[int] = None

    def poll(self) -> Optional[int]:
        """Its exit code, or minus the signal's number; None while it runs."""
        if self.returncode is None and self._status.poll():
            self.returncode = self._status.recv()
            self._status.close()
        return self.returncode

    def wait(self, timeout: Optional[float] = None) -> int:
        """What `poll` tells at its end.

        Raises:
            subprocess.TimeoutExpired: It runs longer.
        """
        if self.returncode is None and not self._status.poll(timeout):
            assert timeout is not None
            raise subprocess.TimeoutExpired(str(self.pid), timeout)
        code = self.poll()
        assert code is not None
        return code


class ForkServer:
    """The tests' end: owns the server's process.

    Args:
        has_seq2data: False if the programs import seq2data themselves.
    """

    def __init__(self, *, has_seq2data: bool = True) -> None:
        self._requests, theirs = socket.socketpair(type=socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-u", "-m", __name__, str(theirs.fileno())),
                    *(["seq2data"] if has_seq2data else []),
                ],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is not for the server
                cwd=_ROOT,
                env={
                    **os.environ,
                    # The only threads that an import starts.
                    "OPENBLAS_NUM_THREADS": "1",
                    "TF_CPP_MIN_LOG_LEVEL": "3",
                },
            )

    def start(
        self,
        arguments: list[str],
        out: IO[bytes],
        err: IO[bytes],
        folder: Path,
        environment: dict[str, str],
    ) -> Forked:
        """Starts what `python *arguments` runs, in a session of its own."""
        request = {
            "arguments": arguments,
            "folder": str(folder),
            "environment": environment,
        }
        ours, theirs = Pipe(duplex=False)
        with theirs:
            socket.send_fds(
                self._requests,
                [json.dumps(request).encode()],
                [out.fileno(), err.fileno(), theirs.fileno()],
            )
        return Forked(ours)

    def close(self) -> None:
        """Ends the server, and not what it has forked."""
        self._requests.close()
        self._process.wait()


def serve(requests: socket.socket) -> list[str]:
    """Returns in each program, with its arguments; never in the server."""
    gc.disable()  # while so much is made that stays
    from tensorflow import keras

    keras.Model  # noqa: B018  # is imported now, and not with TensorFlow
    if "seq2data" in sys.argv[2:]:
        from seq2data import to_dataset  # noqa: F401  # imports what programs will

    gc.enable()
    assert len(os.listdir("/proc/self/task")) == 1, "a fork would lack the others"
    gc.freeze()  # collecting what is here would copy its pages
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the keepers
    while True:
        message, descriptors, *_ = socket.recv_fds(requests, _MOST_BYTES, 3)
        if not message:
            sys.exit()
        if os.fork() == 0:
            requests.close()
            return _keep(json.loads(message), *descriptors)
        for descriptor in descriptors:
            os.close(descriptor)


def _keep(request: dict[str, Any], out: int, err: int, status: int) -> list[str]:
    """Returns in the program; the keeper ends with it."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    pid = os.fork()
    if pid == 0:
        os.close(status)
        return _begin(request, out, err)
    os.close(out)
    os.close(err)
    teller = Connection(status, readable=False)
    teller.send(pid)
    _, ended = os.waitpid(pid, 0)
    teller.send(-os.WTERMSIG(ended) if os.WIFSIGNALED(ended) else os.WEXITSTATUS(ended))
    os._exit(0)


def _begin(request: dict[str, Any], out: int, err: int) -> list[str]:
    """Makes of a fork of the server what `Popen` makes of a fork of the tests."""
    os.setsid()
    for descriptor, number in ((out, 1), (err, 2)):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.dont_write_bytecode = bool(os.environ.get("PYTHONDONTWRITEBYTECODE"))
    tempfile.tempdir = None
    import numpy as np

    np.random.seed()  # or all forks draw the same
    return list(request["arguments"])


def run(first: str, *others: str) -> None:
    """Runs what `python first *others` would."""
    if first == "-m":
        _search(os.getcwd())
        sys.argv = ["-m", *others[1:]]
        runpy.run_module(others[0], run_name="__main__", alter_sys=True)
    elif first == "-c":
        _search("")
        _execute(others[0], "<string>", ["-c", *others[1:]])
    else:
        _search(str(Path(first).parent))
        _execute(Path(first).read_text(), first, [first, *others])


def _search(folder: str) -> None:
    """Puts in front of the import path what an interpreter finds there."""
    path = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    sys.path[:1] = [folder, *filter(None, path)]


def _execute(code: str, path: str, argv: list[str]) -> None:
    """Runs code in a `__main__` of its own."""
    module = types.ModuleType("__main__")
    if path == argv[0]:
        module.__file__ = path
    sys.modules["__main__"] = module
    sys.argv = argv
    exec(compile(code, path, "exec"), module.__dict__)


if __name__ == "__main__":
    run(*serve(socket.socket(fileno=int(sys.argv[1]))))
