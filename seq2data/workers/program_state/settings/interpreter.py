"""Settings of Python itself and of its standard library."""

from __future__ import annotations

from typing import Any

from seq2data.workers.program_state.settings.registry import Setting, register_setting
from seq2data.workers.system.environment import worker_environment

# Not LC_ALL: its name may be a list, whose form depends on the system.
_CATEGORIES = (
    *("LC_CTYPE", "LC_COLLATE", "LC_MONETARY", "LC_NUMERIC", "LC_TIME"),
    "LC_MESSAGES",
)


def _argv(sys: Any) -> list[Any]:
    # Python that is embedded in a program may have no `argv`.
    return list(getattr(sys, "argv", None) or ())


def _set_argv(sys: Any, argv: list[str]) -> None:
    sys.argv[:] = argv


def _set_stack_size(threading: Any, nbytes: int) -> None:
    threading.stack_size(nbytes)


def _set_recursion_limit(sys: Any, limit: int) -> None:
    if sys.getrecursionlimit() != limit:
        sys.setrecursionlimit(limit)


def _working_directory(os: Any) -> Any:
    try:
        return os.getcwd()
    except OSError:  # it was removed
        return None


def _set_working_directory(os: Any, folder: Any) -> None:
    if folder is not None and _working_directory(os) != folder:
        os.chdir(folder)


def _set_environment(os: Any, environment: dict[str, str]) -> None:
    os.environ.update(worker_environment(environment))


def _locale(locale: Any) -> list[tuple[str, str]]:
    return [
        (name, locale.setlocale(getattr(locale, name)))
        for name in _CATEGORIES
        if hasattr(locale, name)
    ]


def _set_locale(locale: Any, names: list[tuple[str, str]]) -> None:
    for category, name in names:
        if locale.setlocale(getattr(locale, category)) != name:
            locale.setlocale(getattr(locale, category), name)


def _set_folder(tempfile: Any, folder: Any) -> None:
    tempfile.tempdir = folder


register_setting("argv", Setting("sys", _argv, _set_argv))
register_setting(
    "recursion limit",
    Setting("sys", lambda sys: sys.getrecursionlimit(), _set_recursion_limit),
)
register_setting(
    "stack size of threads",
    Setting("threading", lambda threading: threading.stack_size(), _set_stack_size),
)
register_setting(
    "working directory", Setting("os", _working_directory, _set_working_directory)
)
register_setting(
    "environment", Setting("os", lambda os: dict(os.environ), _set_environment)
)
register_setting("locale", Setting("locale", _locale, _set_locale))
register_setting(
    "default timeout of sockets",
    Setting(
        "socket",
        lambda socket: socket.getdefaulttimeout(),
        lambda socket, seconds: socket.setdefaulttimeout(seconds),
    ),
)
register_setting(
    "decimal context",
    Setting(
        "decimal",
        lambda decimal: decimal.getcontext().copy(),
        lambda decimal, context: decimal.setcontext(context.copy()),
        is_of_thread=True,
    ),
)
register_setting(
    "folder of temporary files",
    Setting("tempfile", lambda tempfile: tempfile.tempdir, _set_folder),
)
