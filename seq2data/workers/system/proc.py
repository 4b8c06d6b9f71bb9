"""Reads from /proc what this process has open and mapped (`man 5 proc`).

Each function returns nothing, or False, where the system has no /proc.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Optional

_DESCRIPTORS = "/proc/self/fd"
_MAPS = Path("/proc/self/maps")
_SMAPS = Path("/proc/self/smaps")
# Pages that differ from the mapped file, in memory or swapped out.
_COPIED = ("Anonymous:", "Swap:")


def descriptor_path(descriptor: int) -> str:
    """Returns a path that opens the file of a descriptor once more."""
    return f"{_DESCRIPTORS}/{descriptor}"


def target_of(descriptor: int) -> Optional[str]:
    """Returns the path of the file that a descriptor refers to, None if unknown.

    For what is not a file it is another text, as `socket:[4711]`.
    """
    try:
        return os.readlink(descriptor_path(descriptor))
    except OSError:  # no such descriptor, or /proc is missing or closed to this process
        return None


def open_descriptors() -> dict[int, str]:
    """Returns the open descriptors of this process, each with its target."""
    try:
        names = os.listdir(_DESCRIPTORS)
    except FileNotFoundError:  # no /proc
        return {}
    targets = {int(name): target_of(int(name)) for name in names}
    # The descriptor of the listing itself is closed by now.
    return {number: target for number, target in targets.items() if target is not None}


class MappedRange(NamedTuple):
    """A range of addresses with one mapping.

    Attributes:
        start: The first address.
        stop: The address after the last.
        is_private: True if what this process writes stays in this process.
        inode: The inode of the mapped file, 0 if there is none.
        path: The path of the file, or the kernel's name for the range, or "".
        copied_kb: Kilobytes of pages that this process has instead of the file's; 0 if
            they were not counted.
    """

    start: int
    stop: int
    is_private: bool
    inode: int
    path: str
    copied_kb: int = 0


def mapped_ranges() -> Iterator[MappedRange]:
    """Yields the mapped ranges of this process, by address."""
    with contextlib.suppress(FileNotFoundError), _MAPS.open() as lines:
        yield from map(_parsed, lines)


def counts_copied_pages() -> bool:
    """True if the system counts the pages that `copied_kb` is about."""
    return _SMAPS.exists()


def mapped_ranges_with_copied_kb() -> list[MappedRange]:
    """Returns the mapped ranges with their `copied_kb`.

    This takes longer than `mapped_ranges`: the kernel looks at each page.
    """
    found: list[MappedRange] = []
    if not counts_copied_pages():
        return found
    for line in _SMAPS.read_text().splitlines():
        first, *rest = line.split(None, 2)
        if not first.endswith(":"):
            found.append(_parsed(line))
        elif first in _COPIED:
            copied_kb = found[-1].copied_kb + int(rest[0])
            found[-1] = found[-1]._replace(copied_kb=copied_kb)
    return found


def _parsed(line: str) -> MappedRange:
    addresses, permissions, _, _, inode, *path = line.rstrip("\n").split(None, 5)
    start, stop = (int(address, 16) for address in addresses.split("-"))
    is_private = permissions.endswith("p")
    return MappedRange(start, stop, is_private, int(inode), "".join(path))
