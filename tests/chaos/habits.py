"""What scripts do to their own process: one function of Python text for each habit.

The text runs in the program's main part, in the module of its source when that is
imported, or in `__getitem__`. Names that it uses are imported by `program.PREAMBLE`.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

BEFORE, AFTER, MODULE, READ = "before", "after", "module", "read"
"""Where a habit shows: before and after the dataset is made, at import, in a read."""

_MAIN = (BEFORE, AFTER)
_ANYWHERE = (BEFORE, AFTER, MODULE, READ)


@dataclass(frozen=True)
class Habit:
    """A habit.

    Attributes:
        text: The body of its function.
        where: The places where it makes sense.
        needs_main_thread: Python refuses it, or it does nothing, in other threads.
        allowed_error: What an error at the call says, where one is a fair answer.
    """

    text: str
    where: tuple[str, ...] = _ANYWHERE
    needs_main_thread: bool = False
    allowed_error: str = ""

    def function(self, name: str) -> str:
        """Its function, as text."""
        return f"def {name}():\n{textwrap.indent(textwrap.dedent(self.text), '    ')}\n"


HABITS = {
    "default timeout": Habit("socket.setdefaulttimeout(0.5)"),
    "1100 open files": Habit(
        """
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (4096, hard))
        kept.extend(open(os.devnull) for _ in range(1100))
        """
    ),
    "a Path in sys.path": Habit("sys.path.append(pathlib.Path('some folder'))"),
    "a long sys.path": Habit(
        "sys.path.extend('%s%d' % ('a' * 200, k) for k in range(700))"
    ),
    "SIGCHLD ignored": Habit(
        "signal.signal(signal.SIGCHLD, signal.SIG_IGN)", needs_main_thread=True
    ),
    "SIGCHLD reaps all": Habit(
        """
        def reap(number, frame):
            try:
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
            except ChildProcessError:
                pass

        signal.signal(signal.SIGCHLD, reap)
        """,
        needs_main_thread=True,
    ),
    "waitpid(-1)": Habit(
        """
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            pass
        """
    ),
    "asyncio.run": Habit("asyncio.run(asyncio.sleep(0))", needs_main_thread=True),
    "wakeup descriptor": Habit(
        """
        reader, writer = socket.socketpair()
        writer.setblocking(False)
        kept.extend([reader, writer])
        signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        """,
        needs_main_thread=True,
    ),
    "a timer that interrupts": Habit(
        """
        signal.signal(signal.SIGALRM, lambda number, frame: None)
        signal.setitimer(signal.ITIMER_REAL, 0.02, 0.02)
        # Python takes the handler away at its end, and the next one would kill it.
        atexit.register(signal.setitimer, signal.ITIMER_REAL, 0)
        """,
        needs_main_thread=True,
    ),
    "SIGPIPE kills": Habit(
        "signal.signal(signal.SIGPIPE, signal.SIG_DFL)", needs_main_thread=True
    ),
    "SIGTERM handled": Habit(
        "signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(7))",
        needs_main_thread=True,
    ),
    "stdout is a Tee": Habit("sys.stdout = Tee(sys.stdout)"),
    "stderr is a Tee": Habit("sys.stderr = Tee(sys.stderr)"),
    "stdout is None": Habit("sys.stdout = None"),
    "stdout is closed": Habit("sys.stdout = open(os.devnull, 'w'); sys.stdout.close()"),
    "stdout's descriptor is closed": Habit("sys.stdout and sys.stdout.close()"),
    "stdout is full": Habit("sys.stdout = open('/dev/full', 'w')"),
    "stdin's descriptor is closed": Habit("os.closerange(0, 1)"),
    "64 open files": Habit(
        """
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
        """,
        _MAIN,
        allowed_error="open files|RLIMIT_NOFILE",
    ),
    "multiprocessing spawns": Habit(
        "multiprocessing.set_start_method('spawn', force=True)"
    ),
    "SIGINT ignored": Habit(
        "signal.signal(signal.SIGINT, signal.SIG_IGN)", needs_main_thread=True
    ),
    "umask": Habit("os.umask(0o777)"),
    "high recursion limit": Habit("sys.setrecursionlimit(100_000)"),
    # TensorFlow itself cannot be imported or run so.
    "low recursion limit": Habit("sys.setrecursionlimit(150)", (READ,), True),
    "gc.disable": Habit("gc.disable()"),
    "atexit that raises": Habit("atexit.register(lambda: 1 / 0)"),
    "large environment": Habit(
        "os.environ.update({'LARGE%d' % k: 'x' * 100_000 for k in range(10)})"
    ),
    # The kernel takes no variable of more than 128 kB, from nobody.
    "too large a variable": Habit(
        "os.environ['TOO_LARGE'] = 'x' * 200_000",
        _MAIN,
        allowed_error="environment|TOO_LARGE",
    ),
    "PYTHON variables": Habit(
        "os.environ.update(PYTHONSAFEPATH='1', PYTHONWARNINGS='error',"
        " PYTHONOPTIMIZE='2', PYTHONINSPECT='1', PYTHONPROFILEIMPORTTIME='1')",
        _MAIN,
    ),
    "empty environment": Habit(
        """
        kept_variables = {name: os.environ[name] for name in os.environ
                          if name.startswith(('CHAOS', 'SEQ2DATA', 'TMPDIR'))}
        os.environ.clear()
        os.environ.update(kept_variables)
        """,
        _MAIN,
    ),
    "no sys.executable": Habit("sys.executable = ''"),
    "no sys.argv": Habit("sys.argv = []"),
    "deleted folder": Habit(
        "folder = tempfile.mkdtemp(); os.chdir(folder); os.rmdir(folder)"
    ),
    "forked child": Habit("leave_fork()"),
    "executed child": Habit("leave_executed()"),
    "shell child": Habit("leave_shell()"),
    "a thread": Habit(
        "threading.Thread(target=threading.Event().wait, daemon=True).start()"
    ),
    "small stacks": Habit("threading.stack_size(256 * 1024)"),
    # Of the source's own code and ours; TensorFlow and Keras do warn.
    "warnings as errors": Habit("warnings.simplefilter('error')"),
    "settrace": Habit(
        """
        sys.settrace(lambda frame, event, value: None)
        threading.settrace(lambda frame, event, value: None)
        """
    ),
    "faulthandler": Habit("faulthandler.enable(file=open(os.devnull, 'w'))"),
    "locale": Habit("locale.setlocale(locale.LC_ALL, 'C')"),
    "numpy raises": Habit("np.seterr(all='raise')"),
    "random is seeded": Habit("random.seed(0); np.random.seed(0)"),
    "time stands still": Habit("time.time = lambda: 0.0"),
    "own process group": Habit(
        "os.setpgid(0, 0) if os.getpid() != os.getsid(0) else 0"
    ),
}
