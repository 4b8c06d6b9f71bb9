"""What goes wrong in `__getitem__`: Python text for each fault, and how it must end.

The text is the body of `fault()`, which runs when the fault's batch is read.
"""

from __future__ import annotations

from dataclasses import dataclass

ALL, RAISES, DIES, LATE, MAYBE_LATE, NO_ARRAY = (
    "all batches",
    "the exception",
    "an error that says that the worker died",
    "an error that says `timeout`",
    "all batches, or an error that says `timeout`",
    "an error that says what is no array",
)
"""What the consumer must get."""


@dataclass(frozen=True)
class Fault:
    """A fault.

    Attributes:
        text: The body of its function.
        ends: What the consumer must get.
        facts: Texts that the error must hold, beside the batch.
        needs_process: In the training process it would be the program's own end.
        is_death: A generator's state dies with the worker.
    """

    text: str
    ends: str = ALL
    facts: tuple[str, ...] = ()
    needs_process: bool = True
    is_death: bool = False

    @property
    def needs_timeout(self) -> bool:
        """Whether it is a wait without an end otherwise, and rightly so."""
        return self.ends in (LATE, MAYBE_LATE)


_DEATHS = {
    "SIGKILL": ("os.kill(os.getpid(), signal.SIGKILL)", "SIGKILL"),
    "SIGTERM": (
        "signal.signal(signal.SIGTERM, signal.SIG_DFL)\n"
        "os.kill(os.getpid(), signal.SIGTERM)",
        "SIGTERM",
    ),
    "SIGSEGV": (
        "signal.signal(signal.SIGSEGV, signal.SIG_DFL)\n"
        "os.kill(os.getpid(), signal.SIGSEGV)",
        "SIGSEGV",
    ),
    "exit 0": ("os._exit(0)", "exit code 0"),
    "exit 3": ("os._exit(3)", "exit code 3"),
}
_LEFT = {
    "": "",
    " leaves a shell's child": "leave_shell()\n",
    " leaves a forked child": "leave_fork()\n",
    " leaves an executed child": "leave_executed()\n",
}


def _deaths() -> dict[str, Fault]:
    found = {}
    for name, (text, fact) in _DEATHS.items():
        for left, leave in _LEFT.items():
            once = f"if is_first():\n    {leave.strip() or 'pass'}\n    "
            once += text.replace("\n", "\n    ")
            found[f"{name} once{left}"] = Fault(once, is_death=True)
            found[f"{name}{left}"] = Fault(leave + text, DIES, (fact,), is_death=True)
    return found


# Text that raises, and the name of what the user must read.
_RAISES = {
    "KeyError": ("raise KeyError('no such patient')", "KeyError"),
    "file error": ("open('/nonexistent/image.png')", "FileNotFoundError"),
    "sys.exit": ("sys.exit(3)", "SystemExit"),
    "unpicklable attribute": ("raise WithLock('locked')", "WithLock"),
    "unloadable": ("raise TwoArguments('two', 'arguments')", "TwoArguments"),
    "__str__ raises": ("raise Mute()", "Mute"),
    "__reduce__ raises": ("raise Unreduced('whole')", "Unreduced"),
    "group": ("raise Group('several', [KeyError('a'), OSError('b')])", "Group"),
    "BaseException": ("raise Base('of all')", "Base"),
    "cyclic cause": (
        "first, second = LookupError('first'), OSError('second')\n"
        "first.__cause__, second.__cause__ = second, first\n"
        "raise first",
        "LookupError",
    ),
    "huge message": ("raise ValueError('x' * 20_000_000)", "ValueError"),
    "surrogates": ("raise ValueError('\\ud800 \\x00')", "ValueError"),
    "recursion": ("fault()", "RecursionError"),
    "local class": (
        "class Local(Exception):\n    pass\nraise Local('here')",
        "Local",
    ),
    "StopIteration": ("raise StopIteration", "StopIteration"),
    "GeneratorExit": ("raise GeneratorExit", "GeneratorExit"),
    "MemoryError": ("raise MemoryError", "MemoryError"),
    "CancelledError": ("raise asyncio.CancelledError", "CancelledError"),
    "queue.Empty": ("raise queue.Empty", "Empty"),
    "EOFError": ("raise EOFError('the end')", "EOFError"),
    "BrokenPipeError": ("raise BrokenPipeError(32, 'Broken pipe')", "BrokenPipeError"),
    "KeyboardInterrupt": ("raise KeyboardInterrupt", "KeyboardInterrupt"),
}

FAULTS = {
    **_deaths(),
    **{
        name: Fault(text, RAISES, (fact,), needs_process=False)
        for name, (text, fact) in _RAISES.items()
    },
    "stops": Fault("os.kill(os.getpid(), signal.SIGSTOP)", LATE, ("timeout",)),
    "stops who made it": Fault(
        "if is_first():\n    os.kill(os.getppid(), signal.SIGSTOP)", MAYBE_LATE
    ),
    "kills who made it": Fault(
        "if is_first():\n    os.kill(os.getppid(), signal.SIGKILL)", is_death=True
    ),
    "slow": Fault("time.sleep(1.5)", needs_process=False),
    "leaves a shell's child": Fault("leave_shell()"),
    "leaves a forked child": Fault("leave_fork()"),
    "no array": Fault("return object()", NO_ARRAY, ("object",), needs_process=False),
    "keys that do not sort": Fault(
        "return {1: np.zeros(3), 'a': np.zeros(3)}", NO_ARRAY, (), needs_process=False
    ),
    "keys that are objects": Fault(
        "return {object(): np.zeros(3)}", NO_ARRAY, (), needs_process=False
    ),
    "a lambda": Fault(
        "return {'f': lambda: 0}", NO_ARRAY, ("function",), needs_process=False
    ),
}
