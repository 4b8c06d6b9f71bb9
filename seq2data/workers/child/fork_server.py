"""The clean process that has the source and makes workers.

It is a fresh interpreter, so no lock in it is held by a thread of the program. It loads
the source once and forks workers, which share its memory. If loading leaves it with
threads of its own (a module that runs TensorFlow at import), or if there is no fork, it
starts each worker as a fresh interpreter instead. It holds no lock, no queue and no
worker's socket, so a process that is killed at any moment hurts no other.

    training process --socket--> fork server --fork or exec--> worker
           |                                                     |
            -------------------------socket----------------------

The fork server dies with the dispatcher's thread and with its socket; workers die with
the fork server.

What the user's module does to the process while it loads (it ignores SIGCHLD, runs an
event loop, waits for any child) must not hide a worker's death. So the fork server
waits for the workers' sentinels. Where there are none, it looks at them now and then.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import socket
import time
from typing import Any, Callable, Optional

from seq2data.source.own_code import enter_worker
from seq2data.workers.child import command
from seq2data.workers.child.exit import run_to_exit
from seq2data.workers.child.file_offsets import reopen_files
from seq2data.workers.child.parent_death import die_with_parent, have_forks_die_too
from seq2data.workers.child.worker import Inheritance, call_exit_functions, serve
from seq2data.workers.failures import exit_status, failure_of
from seq2data.workers.payload.payload import load
from seq2data.workers.system.environment import ignore_ctrl_c, num_threads
from seq2data.workers.system.limits import of_pool
from seq2data.workers.system.readable import wait_readable
from seq2data.workers.system.sentinel import close_sentinel, kill, open_sentinel
from seq2data.workers.wire.channel import Channel, DescriptorsLostError
from seq2data.workers.wire.messages import (
    Exited,
    Fork,
    Forked,
    ForkFailed,
    Load,
    LoadFailed,
    Ready,
    Start,
)
from seq2data.workers.wire.stacks import offer_stacks, stack_pipe

# The time in which workers may see that the socket is closed, and call exit functions.
_ORDERLY_EXIT_S = 0.3
# How often workers are looked at that have no sentinel.
_LOOK_S = 0.1


def run_fork_server(descriptor: int, reader: int, stacks: int) -> None:
    """Runs the fork server, in a fresh interpreter."""
    control = Channel(socket.socket(fileno=descriptor))

    def main() -> None:
        _begin(reader, stacks)
        offer_stacks(stacks)
        have_forks_die_too()
        ForkServer(control).run()

    run_to_exit(control, main)


def run_worker(descriptor: int, recalls: int, reader: int, stacks: int) -> None:
    """Runs a worker, in a fresh interpreter."""
    channel = Channel(socket.socket(fileno=descriptor))

    def main() -> None:
        _begin(recalls, reader, stacks)
        serve(channel, None, recalls, stacks)

    run_to_exit(channel, main)


def _begin(*descriptors: int) -> None:
    """Prepares a fresh interpreter, before anything else."""
    die_with_parent()
    enter_worker()
    ignore_ctrl_c()
    for descriptor in descriptors:  # for this program only
        os.set_inheritable(descriptor, False)


def _freeze_objects() -> None:
    """Keeps the collector off what is here; in workers it would copy the pages."""
    gc.collect()
    gc.freeze()


class ForkServer:
    """Loads, forks and reaps until the training process closes the socket."""

    def __init__(self, control: Channel) -> None:
        self._control = control
        self._loaded: Optional[Inheritance] = None
        self._can_fork = False
        self._children: dict[int, Optional[int]] = {}
        """The workers that are alive, by pid, and their sentinels."""
        self._on_death = signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        """The user's handler for SIGCHLD. Were it ignored, no status would come."""

    @classmethod
    def take_over(
        cls,
        control: Channel,
        loaded: Inheritance,
        request: Fork,
        descriptors: list[int],
    ) -> None:
        """Makes a fork server of a worker that was forked by one; ends like `run`."""
        fork_server = cls(control)
        fork_server._loaded, fork_server._can_fork = loaded, True
        _freeze_objects()
        fork_server._make_worker(request.worker, descriptors)
        # At once, as in its workers: its fork server waits only a moment for all.
        fork_server.run(at_hang_up=call_exit_functions)

    def run(self, at_hang_up: Callable[[], object] = lambda: None) -> None:
        """Returns when the socket is closed and all workers have ended."""
        try:
            while True:
                is_asked = self._wait(self._control.fileno())
                self._reap()
                if is_asked:
                    for message, descriptors in self._control.receive_ready():
                        self._handle(message, descriptors)
        except EOFError:
            at_hang_up()
            self._end_children()

    def _wait(self, control: Optional[int], longest_s: Optional[float] = None) -> bool:
        """Waits for a message or a worker's end; returns True for a message."""
        sentinels = self._children.values()
        if None in sentinels:
            longest_s = min(_LOOK_S, _LOOK_S if longest_s is None else longest_s)
        waited_for = [each for each in (control, *sentinels) if each is not None]
        return control in wait_readable(waited_for, longest_s)

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
        if not (self._can_fork and message.survives_fork):  # each worker loads it
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
        finally:
            self._reset_signals()
        self._loaded = Inheritance(
            *(loaded, message.version, message.pickle.nbytes, ForkServer.take_over)
        )
        self._can_fork = num_threads() == 1
        _freeze_objects()
        self._control.send(Ready(message.version))

    def _reset_signals(self) -> None:
        """Resets signals that user code has set; workers get the user's."""
        handler = signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        if handler is not signal.SIG_DFL:
            self._on_death = handler
        ignore_ctrl_c()

    def _make_worker(self, worker: int, descriptors: list[int]) -> None:
        connection, recalls = descriptors
        ours = [connection, recalls]
        try:
            ours += stack_pipe()
            if self._can_fork:
                pid = self._fork(connection, recalls, ours[-1])
                version = -1 if self._loaded is None else self._loaded.version
            else:
                pid, version = self._execute(*ours), -1
        except OSError as error:
            self._control.send(ForkFailed(worker, of_pool(error, 1)))
        else:
            self._children[pid] = open_sentinel(pid)
            self._control.send(Forked(worker, pid, version, ours[2]))
        finally:
            for number in ours:
                os.close(number)

    def _fork(self, descriptor: int, recalls: int, stacks: int) -> int:
        fork_server = os.getpid()
        pid = os.fork()
        if pid:
            return pid
        channel = Channel(socket.socket(fileno=descriptor))
        run_to_exit(
            channel,
            lambda: self._serve(fork_server, channel, recalls, stacks),
        )

    def _serve(
        self, fork_server: int, channel: Channel, recalls: int, stacks: int
    ) -> None:
        """Runs a worker, in a fork of the fork server."""
        die_with_parent(fork_server)
        if self._on_death is not None:  # None: C code has its own
            signal.signal(signal.SIGCHLD, self._on_death)
        self._control.close()
        for sentinel in self._children.values():
            close_sentinel(sentinel)
        reopen_files()
        serve(channel, self._loaded, recalls, stacks)

    def _execute(self, descriptor: int, recalls: int, reader: int, writer: int) -> int:
        process = command.start(
            "run_worker", (descriptor, recalls, reader, writer), os.environ
        )
        process.returncode = 0  # reaped here; Popen must not warn of that
        return process.pid

    def _reap(self) -> None:
        for pid, status in self._collect_ended():
            self._control.send(Exited(pid, status))

    def _collect_ended(self) -> list[tuple[int, Optional[int]]]:
        """Returns (pid, exit status) of workers that have ended since the last call."""
        dead: list[tuple[int, Optional[int]]] = []
        for pid, sentinel in list(self._children.items()):
            try:
                ended, status = os.waitpid(pid, os.WNOHANG)
            except ChildProcessError:  # user code has waited for it, or has ignored it
                dead.append((pid, None))
            else:
                if not ended:
                    continue
                dead.append((pid, exit_status(status)))
            close_sentinel(sentinel)
            del self._children[pid]
        return dead

    def _end_children(self) -> None:
        """Waits for the workers, whose sockets are closed, too; kills the late ones."""
        deadline = time.monotonic() + _ORDERLY_EXIT_S
        while self._children and (left := deadline - time.monotonic()) > 0:
            self._wait(None, left)
            self._collect_ended()
        for pid, sentinel in self._children.items():
            kill(pid, sentinel)
        for pid in self._children:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)
