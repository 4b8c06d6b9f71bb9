"""Takes names away from an interpreter, as a system has none of them.

`SEQ2DATA_TEST_WITHOUT` lists them: `os.fork`, `socket.socket.sendmsg`, a module,
`/proc`, `darwin` for `sys.platform`. Interpreters that are started from there lose the
same at their start: this folder is on their path, and has a `sitecustomize`.

What asks for the system while it is imported (numpy, TensorFlow, asyncio, pytest) has
to be there before, for it would look for another system's files: hence the imports
here, and that of TensorFlow in the training process.
"""

from __future__ import annotations

import asyncio  # noqa: F401  # chooses its loop by `sys.platform`
import builtins
import errno
import functools
import importlib
import io
import logging.handlers  # noqa: F401
import multiprocessing.connection
import multiprocessing.pool  # noqa: F401
import os
import pathlib
import platform
import selectors  # noqa: F401
import socket
import sys
import sysconfig
import tempfile  # noqa: F401
import threading
import urllib.request  # noqa: F401
import uuid  # noqa: F401
import webbrowser  # noqa: F401

import cloudpickle  # noqa: F401
import numpy as np  # noqa: F401
import wrapt  # noqa: F401

VARIABLE = "SEQ2DATA_TEST_WITHOUT"
PROC = "/proc"
UNIX = (
    *("os.memfd_create", "os.MFD_CLOEXEC", "os.pidfd_open", "os.posix_fallocate"),
    *("signal.pidfd_send_signal", "signal.SIGRTMAX", "socket.MSG_CMSG_CLOEXEC"),
    *("os.sched_getaffinity", "mmap.MAP_POPULATE", PROC),
)
SYSTEMS = {
    # It has `os.fork`, too, which must not be used there.
    "macos": ("darwin", *UNIX),
    "windows": (
        *("win32", "fcntl", "resource", "_posixsubprocess"),
        *UNIX,
        *("os.fork", "os.forkpty", "os.register_at_fork", "os.set_blocking"),
        *("os.WNOHANG", "os.getppid", "os.killpg", "os.O_CLOEXEC", "os.O_NONBLOCK"),
        *("socket.AF_UNIX", "socket.CMSG_SPACE", "socket.CMSG_LEN"),
        *("socket.SCM_RIGHTS", "socket.MSG_DONTWAIT", "socket.socket.sendmsg"),
        *("socket.socket.recvmsg", "socket.socket.recvmsg_into"),
        *("select.poll", "selectors.PollSelector"),
        *("signal.SIGKILL", "signal.SIGCHLD", "signal.SIGSTOP", "signal.SIGCONT"),
        *("signal.SIGUSR1", "signal.SIGUSR2", "signal.SIGBUS", "signal.SIGPIPE"),
        *("signal.pthread_sigmask", "faulthandler.register"),
        *("mmap.MAP_SHARED", "mmap.MAP_PRIVATE", "mmap.PROT_READ", "mmap.PROT_WRITE"),
    ),
}
_FOR_PROCESSES = {"socket.AF_UNIX", "socket.CMSG_SPACE", "_posixsubprocess"}
_harness = threading.local()
"""Has `sees_all` while code of the tests themselves asks for what is taken away."""


def way() -> str:
    """How workers come to be in this interpreter, by what was taken from it."""
    names = set(os.environ[VARIABLE].split())
    if names & _FOR_PROCESSES:
        return "threads"
    return "executed" if names & {"os.fork", "fcntl", PROC} else "forked"


def take_away(names: tuple[str, ...]) -> None:
    """Has this interpreter, and those that it starts, go on without these names."""
    os.environ[VARIABLE] = " ".join(names)
    folder = str(pathlib.Path(__file__).parent)
    paths = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    if folder not in paths:
        os.environ["PYTHONPATH"] = os.pathsep.join([folder, *filter(None, paths)])
    # Their answers are kept, and are those of the system that is really here.
    platform.uname()
    sysconfig.get_config_vars()
    for name in names:
        if name == PROC:
            _hide_proc()
        elif name in ("darwin", "win32"):
            sys.platform = name
            if name == "win32":
                _refuse_c_library()
                socket.socketpair = _internet_pair
        elif "." not in name:
            sys.modules[name] = None
        else:
            module, *owners, last = name.split(".")
            owner = importlib.import_module(module)
            for each in owners:
                owner = getattr(owner, each)
            if hasattr(owner, last):  # some systems that the tests run on lack it
                _delete(owner, last)


def _delete(owner, name):
    if name in vars(owner):
        delattr(owner, name)
        return
    # `socket.socket` inherits it from a class in C.
    setattr(owner, name, property(functools.partial(_refuse, name)))


def _refuse(name, _):
    raise AttributeError(name)


def _refuse_c_library():
    import ctypes

    real = ctypes.CDLL.__init__

    def init(self, name, *args, **kwargs):
        if name is None:
            raise TypeError("argument 1 must be str, not None")  # as on Windows
        real(self, name, *args, **kwargs)

    ctypes.CDLL.__init__ = init


def _internet_pair():
    """As Python's own on Windows."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        one = socket.create_connection(server.getsockname())
        other, _ = server.accept()
    return one, other


def _hide_proc():
    for owner, names in (
        (os, ("stat", "lstat", "listdir", "scandir", "readlink", "open")),
        (io, ("open",)),
        (builtins, ("open",)),
    ):
        for name in names:
            setattr(owner, name, _hiding(getattr(owner, name)))
    accessor = getattr(pathlib, "_NormalAccessor", None)  # before Python 3.11
    for name in ("stat", "lstat", "listdir", "scandir", "readlink", "open"):
        if name in vars(accessor or object):
            setattr(accessor, name, staticmethod(getattr(os, name)))


def _hiding(function):
    @functools.wraps(function)
    def hiding(path, *args, **kwargs):
        is_path = isinstance(path, (str, os.PathLike))
        is_hidden = is_path and os.fspath(path).startswith(PROC)
        if is_hidden and not getattr(_harness, "sees_all", False):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        return function(path, *args, **kwargs)

    return hiding


def seeing_all(function):
    """A function of the tests' own that may look into /proc all the same."""

    @functools.wraps(function)
    def seeing(*args, **kwargs):
        _harness.sees_all = True
        try:
            return function(*args, **kwargs)
        finally:
            _harness.sees_all = False

    return seeing
