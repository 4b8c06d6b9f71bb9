"""What both parts of a program begin with: imports, and what faults and habits use."""

from __future__ import annotations

PREAMBLE = """\
import asyncio, atexit, collections, faulthandler, gc, hashlib, json, locale
import multiprocessing, os, pathlib, queue, random, resource, signal, socket
import subprocess, sys, tempfile, threading, time, warnings

import numpy as np

# The watchdog sets these; they make the program one that runs by itself, too.
if "CHAOS_FOLDER" in os.environ:
    faulthandler.register(signal.SIGUSR1, file=2, all_threads=True)
else:
    os.environ["CHAOS_FOLDER"] = tempfile.mkdtemp()
FOLDER = os.environ["CHAOS_FOLDER"]
kept = []
# Of its own: a source must not refer to what the program keeps, which may be sockets.
left_children = []


def is_first():
    \"\"\"True once, in whichever process.\"\"\"
    try:
        flags = os.O_CREAT | os.O_EXCL
        os.close(os.open(os.path.join(FOLDER, "happened"), flags, 0o600))
    except FileExistsError:
        return False
    return True


def own(pid):
    \"\"\"Tells the watchdog that this process is the program's, not a leak.\"\"\"
    os.close(os.open(os.path.join(FOLDER, "own-%d" % pid), os.O_CREAT, 0o600))


def leave_shell():
    os.system("sleep 600 &")


def leave_executed():
    left_children.append(subprocess.Popen(["sleep", "600"]))


def leave_fork():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of threads, by Python 3.12
        pid = os.fork()
    if pid == 0:
        while True:
            time.sleep(600)
    own(pid)


class Tee:
    def __init__(self, stream):
        self.stream = stream

    def write(self, text):
        return self.stream.write(text)

    def flush(self):
        self.stream.flush()


class WithLock(Exception):
    def __init__(self, text):
        super().__init__(text)
        self.lock = threading.Lock()


class TwoArguments(Exception):
    def __init__(self, first, second):
        super().__init__(first + second)


class Mute(Exception):
    def __str__(self):
        raise LookupError("no text")


class Unreduced(Exception):
    def __reduce__(self):
        raise LookupError("no reduction")


class Base(BaseException):
    pass


class Group(getattr(__import__("builtins"), "ExceptionGroup", Exception)):
    pass
"""
