"""The clean process that has the source and makes workers.

It is a fresh interpreter, so no thread of the parent's can hold a lock in it. It loads
the source once and forks workers, who share its memory; where loading left it with
threads of its own (a module that runs TensorFlow at import), or where there is no fork,
it starts each worker as a fresh interpreter instead. It holds no lock, no queue and no
worker's socket, so whatever is killed at whatever moment can hurt nobody else.

    parent --control--> nursery --fork or exec--> worker <--socket--> parent

Death runs downwards: the nursery dies with the parent's dispatcher thread and with the
control socket, workers die with the nursery.
"""

from __future__ import annotations

import atexit
import ctypes
import gc
import os
import signal
import socket
import sys
import time
from typing import Any, Callable, Optional

from seq2data.source.own_code import enter_worker
from seq2data.workers import command
from seq2data.workers.channel import Channel, DescriptorsLostError
from seq2data.workers.crash import exit_status, failure_of
from seq2data.workers.environment import num_threads
from seq2data.workers.limits import of_pool
from seq2data.workers.loop import Inheritance, serve
from seq2data.workers.messages import (
    Exited,
    Fork,
    Forked,
    ForkFailed,
    Load,
    LoadFailed,
    Ready,
    Start,
)
from seq2data.workers.payload import load
from seq2data.workers.positions import own_positions
from seq2data.workers.readable import wait_readable
from seq2data.workers.stacks import offer_stacks, stack_pipe

_PR_SET_PDEATHSIG = 1
# For workers to see that the parent has gone and to call what they have to call then.
_ORDERLY_EXIT_S = 0.3


def die_with_parent(parent: Optional[int] = None) -> None:
    """Asks the kernel to kill this process when the thread that made it ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if parent is not None and os.getppid() != parent:
            os._exit(1)  # it died before we asked


def run_nursery(descriptor: int, stacks: int) -> None:
    """Entry of the nursery's interpreter."""
    die_with_parent()
    enter_worker()
    offer_stacks(stacks)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    # It stays open until the process ends: an unclosed socket would be warned of.
    control = Channel(socket.socket(fileno=descriptor))
    try:
        Nursery(control).run()
    finally:
        os._exit(0)


def run_worker(descriptor: int, claims: int, stacks: int) -> None:
    """Entry of a worker's own interpreter."""
    die_with_parent()
    enter_worker()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    serve(socket.socket(fileno=descriptor), None, claims, stacks)


def _keep_what_is_here() -> None:
    """Collecting it in a worker would only copy its pages."""
    gc.collect()
    gc.freeze()


class Nursery:
    """Loads, forks and reaps until the parent hangs up."""

    def __init__(self, control: Channel) -> None:
        self._control = control
        self._loaded: Optional[Inheritance] = None
        self._can_fork = False
        self._children: set[int] = set()

    @classmethod
    def take_over(
        cls,
        control: Channel,
        loaded: Inheritance,
        request: Fork,
        descriptors: list[int],
    ) -> None:
        """Makes a nursery of a worker that was forked from one; ends like `run`."""
        nursery = cls(control)
        nursery._loaded, nursery._can_fork = loaded, True
        _keep_what_is_here()
        nursery._make_worker(request.worker, descriptors)
        # At once, as in its workers: who forked it waits for all of them only so long.
        nursery.run(at_hang_up=atexit._run_exitfuncs)

    def run(self, at_hang_up: Callable[[], object] = lambda: None) -> None:
        """Returns when the parent has hung up and all workers have ended."""
        deaths, wakeup = os.pipe()
        os.set_blocking(wakeup, False)
        signal.set_wakeup_fd(wakeup, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        try:
            while True:
                ready = wait_readable([self._control.fileno(), deaths])
                if deaths in ready:
                    os.read(deaths, 4096)
                    self._reap()
                if self._control.fileno() in ready:
                    for message, descriptors in self._control.receive_ready():
                        self._handle(message, descriptors)
        except EOFError:
            try:
                at_hang_up()
            finally:
                self._end_children(deaths)

    def _handle(self, message: Any, descriptors: list[int]) -> None:
        if isinstance(message, Start):
            self._can_fork = message.start_method == "fork"
        elif isinstance(message, DescriptorsLostError):
            self._control.send(LoadFailed(-1, failure_of(message)))
        elif isinstance(message, Load):
            self._load(message, descriptors)
        elif isinstance(message, Fork):
            self._make_worker(message.worker, descriptors)

    def _load(self, message: Load, descriptors: list[int]) -> None:
        if not (self._can_fork and message.survives_fork):  # each loads for itself
            for descriptor in descriptors:
                os.close(descriptor)
            self._loaded = None
            self._control.send(Ready(message.version))
            return
        try:
            loaded = load(message, descriptors)
        except BaseException as error:  # noqa: BLE001  # user code; the parent decides
            self._control.send(LoadFailed(message.version, failure_of(error)))
            return
        self._loaded = Inheritance(
            *(loaded, message.version, message.pickle.nbytes, Nursery.take_over)
        )
        self._can_fork = num_threads() == 1
        _keep_what_is_here()
        self._control.send(Ready(message.version))

    def _make_worker(self, worker: int, descriptors: list[int]) -> None:
        connection, claims = descriptors
        ours = [connection, claims]
        try:
            ours += stack_pipe()
            if self._can_fork:
                pid = self._fork(connection, claims, ours[-1])
                version = -1 if self._loaded is None else self._loaded.version
            else:
                pid, version = self._execute(*ours), -1
        except OSError as error:
            self._control.send(ForkFailed(worker, of_pool(error, 1)))
        else:
            self._children.add(pid)
            self._control.send(Forked(worker, pid, version, ours[2]))
        finally:
            for number in ours:
                os.close(number)

    def _fork(self, descriptor: int, claims: int, stacks: int) -> int:
        nursery = os.getpid()
        pid = os.fork()
        if pid:
            return pid
        try:
            die_with_parent(nursery)
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            self._control.close()
            own_positions()
            serve(socket.socket(fileno=descriptor), self._loaded, claims, stacks)
        finally:
            os._exit(1)

    def _execute(self, descriptor: int, claims: int, reader: int, writer: int) -> int:
        ours = descriptor, claims, writer
        process = command.start("run_worker", ours, os.environ, pass_fds=[reader])
        process.returncode = 0  # we reap it ourselves; Popen must not warn of that
        return process.pid

    def _reap(self) -> None:
        for pid, status in self._dead_children():
            self._control.send(Exited(pid, exit_status(status)))
            self._children.discard(pid)

    def _dead_children(self) -> list[tuple[int, int]]:
        """(pid, status) of the workers that have ended since the last time."""
        dead: list[tuple[int, int]] = []
        while len(dead) < len(self._children):
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                break
            if pid in self._children:  # and not a child of the user's module
                dead.append((pid, status))
        return dead

    def _end_children(self, deaths: int) -> None:
        """The parent has hung up on them, too; who is in user code is killed."""
        deadline = time.monotonic() + _ORDERLY_EXIT_S
        while self._children and (left := deadline - time.monotonic()) > 0:
            if wait_readable([deaths], left):
                os.read(deaths, 4096)
            self._children -= {pid for pid, _ in self._dead_children()}
        for pid in self._children:
            os.kill(pid, signal.SIGKILL)
        for pid in self._children:
            os.waitpid(pid, 0)
