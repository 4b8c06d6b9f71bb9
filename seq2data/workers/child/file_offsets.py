"""Gives a forked worker its own position in each file that it only reads."""

from __future__ import annotations

import contextlib
import os
import stat

from seq2data.workers.system.proc import descriptor_path, open_descriptors

with contextlib.suppress(ImportError):  # where nothing forks
    import fcntl


def reopen_files() -> None:
    """Opens each file again, under the same descriptor.

    Forks share the position of a file that was open before: one worker would continue
    where another one has stopped reading.
    """
    for descriptor in open_descriptors():
        with contextlib.suppress(OSError):  # it may not be opened by this user
            if _is_only_read(descriptor):
                own = os.open(descriptor_path(descriptor), os.O_RDONLY | os.O_CLOEXEC)
                os.lseek(own, os.lseek(descriptor, 0, os.SEEK_CUR), os.SEEK_SET)
                os.dup2(own, descriptor, os.get_inheritable(descriptor))
                os.close(own)


def _is_only_read(descriptor: int) -> bool:
    flags = fcntl.fcntl(descriptor, fcntl.F_GETFL)
    is_regular = stat.S_ISREG(os.fstat(descriptor).st_mode)
    return is_regular and flags & os.O_ACCMODE == os.O_RDONLY
