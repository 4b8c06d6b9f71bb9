"""Reads from the kernel which arrays were written to since the last epoch.

It saves the comparison of each array with what was sent: a tenth of a second for 1 GB,
before every epoch (benchmarks/README.md has the numbers). The kernel's answer takes
some milliseconds. It comes from userfaultfd's asynchronous write protection and the
PAGEMAP_SCAN call of Linux 6.7 and later (docs.kernel.org: admin-guide/mm/userfaultfd,
admin-guide/mm/pagemap). On other systems, and in containers that forbid userfaultfd,
all arrays are compared.
"""

from __future__ import annotations

import contextlib
import ctypes
import mmap
import os
import platform
import struct
import sys
from collections.abc import Iterable, Sequence
from typing import Generic, Optional, TypeVar

import numpy as np

from seq2data.workers.system.libc import libc
from seq2data.workers.system.proc import mapped_ranges

with contextlib.suppress(ImportError):  # on systems without userfaultfd
    import fcntl

_SYSCALL_NUMBERS = {"x86_64": 323, "aarch64": 282}
# Needs no privilege; writes by the kernel are found with it, too.
_USER_MODE_ONLY = 1
# struct uffdio_api, struct uffdio_register and struct pm_scan_arg, with their calls.
_API, _API_CALL = struct.Struct("=3Q"), 0xC018AA3F
_REGISTER, _REGISTER_CALL = struct.Struct("=4Q"), 0xC020AA00
_SCAN, _SCAN_CALL = struct.Struct("=12Q"), 0xC0606610
_API_VERSION = 0xAA
_WP_UNPOPULATED, _WP_ASYNC = 1 << 13, 1 << 15
_MODE_WP = 2
_WP_MATCHING, _CHECK_WP_ASYNC = 1, 2
_IS_WRITTEN, _IS_PRESENT = 1 << 1, 1 << 3
_REGIONS_PER_SCAN = 64
# To compare fewer bytes takes no longer than to read whether they were written to.
_WATCHED_BYTES = 1 << 20

_Range = tuple[int, int]
_Value = TypeVar("_Value")


class WriteWatch(Generic[_Value]):
    """Remembers a value for each array until the array's memory is written to.

    `recall` first, then read the arrays, then `note` a value for each of them.
    Arrays are known by their addresses and not kept alive. What a device writes into
    memory that is pinned for it is not found. Owns a descriptor.
    """

    def __init__(self) -> None:
        self._descriptor = _open_userfaultfd()
        self._protected: set[_Range] = set()
        self._noted: dict[_Range, _Value] = {}

    def recall(self, arrays: Sequence[np.ndarray]) -> list[Optional[_Value]]:
        """Returns each array's value, None if its memory was written to or is new.

        Args:
            arrays: C-contiguous. The next call finds what is written to them from now
                on, so they must not be read before this call.
        """
        noted, self._noted = self._noted, {}
        known, self._protected = self._protected, set()
        written = []
        for memory in {_range(array) for array in arrays if self._watches(array)}:
            try:
                if memory not in known:
                    self._register(memory)
                if _protect(memory):
                    written.append(memory)
            # It cannot be watched, or another array has been mapped there since.
            except OSError:
                continue
            self._protected.add(memory)
        clean = {
            memory
            for memory in self._protected & known
            if not any(_overlap(memory, other) for other in written)
        }
        return [
            noted.get(memory) if memory in clean else None
            for memory in map(_range, arrays)
        ]

    def note(self, arrays: Iterable[np.ndarray], values: Iterable[_Value]) -> None:
        """Notes a value for each of the arrays of the last `recall`."""
        for memory, value in zip(map(_range, arrays), values):
            if memory in self._protected:
                self._noted[memory] = value

    def _watches(self, array: np.ndarray) -> bool:
        return self._descriptor is not None and array.nbytes >= _WATCHED_BYTES

    def _register(self, memory: _Range) -> None:
        start, stop = _pages(memory)
        if not _is_private(start, stop):
            raise OSError("other processes may write to it, which the kernel omits")
        assert self._descriptor is not None
        request = _REGISTER.pack(start, stop - start, _MODE_WP, 0)
        fcntl.ioctl(self._descriptor, _REGISTER_CALL, request)

    def __del__(self) -> None:
        descriptor = vars(self).get("_descriptor")
        if descriptor is not None:
            os.close(descriptor)


def _open_userfaultfd() -> Optional[int]:
    """Returns a descriptor that keeps the registrations, None if there can be none."""
    number = _SYSCALL_NUMBERS.get(platform.machine())
    if sys.platform != "linux" or number is None:
        return None
    flags = os.O_CLOEXEC | os.O_NONBLOCK | _USER_MODE_ONLY
    descriptor = libc().syscall(number, flags)
    if descriptor < 0:
        return None
    request = _API.pack(_API_VERSION, _WP_UNPOPULATED | _WP_ASYNC, 0)
    try:
        fcntl.ioctl(descriptor, _API_CALL, request)
    except OSError:  # a kernel before 6.7
        os.close(descriptor)
        return None
    return int(descriptor)


def _range(array: np.ndarray) -> _Range:
    start = array.__array_interface__["data"][0]
    return start, start + array.nbytes


def _pages(memory: _Range) -> _Range:
    """Returns the range of the whole pages in which some memory lies."""
    start, stop = memory
    return start - start % mmap.PAGESIZE, stop + -stop % mmap.PAGESIZE


def _overlap(one: _Range, other: _Range) -> bool:
    (start, stop), (other_start, other_stop) = _pages(one), _pages(other)
    return start < other_stop and other_start < stop


def _is_private(start: int, stop: int) -> bool:
    """True if all pages of a range belong to this process alone and to no file."""
    for mapped in mapped_ranges():
        if mapped.start <= start < mapped.stop:
            if not mapped.is_private or mapped.inode != 0:
                return False
            start = mapped.stop
        if start >= stop:
            return True
    return False


def _protect(memory: _Range) -> bool:
    """Protects memory and returns True if it was written to since the last protection.

    A missing page counts as written: it was released, and its next content is zeros.

    Raises:
        OSError: It is not registered.
    """
    start, stop = _pages(memory)
    regions = (ctypes.c_uint64 * (3 * _REGIONS_PER_SCAN))()
    num_regions = 0
    with open("/proc/self/pagemap", "rb", buffering=0) as pagemap:
        while start < stop:
            request = bytearray(
                _SCAN.pack(
                    *(_SCAN.size, _WP_MATCHING | _CHECK_WP_ASYNC, start, stop, 0),
                    *(ctypes.addressof(regions), _REGIONS_PER_SCAN, 0),
                    # Inverted categories, all of, any of, and what is returned.
                    *(_IS_PRESENT, 0, _IS_WRITTEN | _IS_PRESENT, _IS_WRITTEN),
                )
            )
            num_regions += fcntl.ioctl(pagemap, _SCAN_CALL, request)
            start = _SCAN.unpack(request)[4]
    return num_regions > 0
