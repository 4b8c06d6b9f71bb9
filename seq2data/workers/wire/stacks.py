"""Gets the Python stacks of another process.

A process that is stuck runs none of its own Python code, but a signal's handler in C
still runs. So `faulthandler` writes the stacks into a pipe, of which that process holds
both ends. The training process opens the pipe through /proc when it needs the stacks,
so it needs no descriptor as long as nothing is stuck.
"""

from __future__ import annotations

import faulthandler
import os
import signal
from pathlib import Path
from typing import Optional

from seq2data.workers.system.readable import wait_readable

# A real-time signal, where there are any: user code has its own use for SIGUSR1 and 2.
_SIGNAL = int(getattr(signal, "SIGRTMAX", getattr(signal, "SIGUSR2", 0)))
# The handler runs at once, unless the process is stopped or inside the kernel.
_ANSWER_S = 1.0
_QUIET_S = 0.1
_PIPE_BYTES = 1 << 16


def stack_pipe() -> tuple[int, int]:
    """Makes a pipe for the stacks of a process; returns its ends to read and write."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)  # what does not fit is lost
    return reader, writer


def offer_stacks(writer: int) -> None:
    """Lets others ask for the stacks of this process."""
    if hasattr(faulthandler, "register"):
        faulthandler.register(_SIGNAL, file=writer, all_threads=True)


def python_stacks(pid: int, reader: int) -> str:
    """Returns the stacks of all threads of a process, or why there are none.

    Args:
        pid: A process that has called `offer_stacks`.
        reader: Its descriptor of the pipe's reading end.
    """
    try:
        pipe = os.open(f"/proc/{pid}/fd/{reader}", os.O_RDONLY | os.O_NONBLOCK)
    except OSError:  # it has just ended, or there is no /proc here
        return "(its stack cannot be seen)"
    try:
        if is_stopped(pid):
            return _why_silent(pid)
        if not _is_caught(pid):
            return "(it is just starting)"
        os.kill(pid, _SIGNAL)
        text = _read(pipe)
    except (FileNotFoundError, ProcessLookupError):
        return "(it has just ended)"
    finally:
        os.close(pipe)
    return text or _why_silent(pid)


def is_stopped(pid: int) -> bool:
    """True if a process was stopped (SIGSTOP, a debugger); False if that is unknown."""
    return _state(pid) in ("T", "t")


def _is_caught(pid: int) -> bool:
    """True if a process handles the signal, which would end it otherwise."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("SigCgt:"):
            return bool(int(line.split()[1], 16) >> (_SIGNAL - 1) & 1)
    return False


def _read(pipe: int) -> str:
    found = b""
    wait_s = _ANSWER_S
    while wait_readable([pipe], wait_s):
        some = os.read(pipe, _PIPE_BYTES)
        if not some:  # the process has ended
            break
        found += some
        wait_s = _QUIET_S
    return found.decode(errors="replace").rstrip()


def _why_silent(pid: int) -> str:
    state = _state(pid)
    if state is None:
        return "(it has just ended)"
    if state in "Tt":
        return f"(it is stopped; `kill -CONT {pid}` lets it go on)"
    return f"(it does not answer; its state is {state!r}, see `man 5 proc`)"


def _state(pid: int) -> Optional[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0]
    except (FileNotFoundError, ProcessLookupError):
        return None
