"""Turns the keyword arguments of the public functions into checked settings."""

from __future__ import annotations

import math
import operator
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional, SupportsFloat, SupportsIndex

_CPU_MAX = Path("/sys/fs/cgroup/cpu.max")
_CPU_QUOTA = Path("/sys/fs/cgroup/cpu/cpu.cfs_quota_us")
_CPU_PERIOD = Path("/sys/fs/cgroup/cpu/cpu.cfs_period_us")


@dataclass(frozen=True)
class Options:
    """The settings of one dataset, checked when they are made.

    Raises:
        ValueError: A number is out of its range.
        TypeError: A value is not a number.
    """

    workers: Optional[int] = None
    use_multiprocessing: bool = True
    max_queue_size: int = 10
    shuffle: bool = False
    seed: Optional[int] = None
    timeout: Optional[float] = None

    def __post_init__(self) -> None:
        for name, least in (("workers", 0), ("max_queue_size", 1), ("seed", 0)):
            value: object = getattr(self, name)
            if value is not None or name == "max_queue_size":
                object.__setattr__(self, name, whole(name, value, least))
        if self.timeout is not None:
            _check_seconds("timeout", self.timeout)

    @property
    def num_workers(self) -> int:
        """The number of workers that read at once; 0 reads in the caller's process."""
        return usable_cores() if self.workers is None else self.workers

    @property
    def uses_processes(self) -> bool:
        """True if other processes than the caller's read the batches."""
        return self.use_multiprocessing and self.num_workers > 0


def whole(name: str, value: object, least: int, *, rounds_up: bool = False) -> int:
    """Returns the value as an int; it may be a float, as `np.ceil` returns it.

    Args:
        name: The argument's name, for messages.
        value: What was passed.
        least: The smallest value that is allowed.
        rounds_up: True if a number that is not whole is rounded up.

    Raises:
        TypeError: The value is not a whole number.
        ValueError: The value is too small.
    """
    number = _int_of(value, rounds_up)
    message = f"`{name}` must be a whole number of {least} or more; received: {value!r}"
    if number is None:
        raise TypeError(message)
    if number < least:
        raise ValueError(message)
    return number


def _int_of(value: Any, rounds_up: bool) -> Optional[int]:
    """Returns the value as an int, None if it is not a whole number."""
    if getattr(value, "ndim", None) == 0 and hasattr(value, "item"):
        value = value.item()  # scalars of numpy, and its arrays without dimensions
    if isinstance(value, bool) or getattr(value, "ndim", None):
        return None
    if isinstance(value, SupportsIndex):
        return operator.index(value)
    if not isinstance(value, SupportsFloat) or not math.isfinite(value):
        return None
    number = math.ceil(value)
    return number if rounds_up or number == value else None


def _check_seconds(name: str, value: object) -> None:
    message = f"`{name}` must be a number of seconds above 0; received: {value!r}"
    if isinstance(value, bool) or not isinstance(value, SupportsFloat):
        raise TypeError(message)
    if not float(value) > 0:
        raise ValueError(message)


def usable_cores() -> int:
    """Returns how many cores this process may use, by affinity and cgroup quota."""
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    quota = _cgroup_quota()
    return cores if quota is None else max(1, min(cores, math.ceil(quota)))


def _cgroup_quota() -> Optional[float]:
    """Returns the CPU quota of the cgroup (v2, then v1) in cores, None for none."""
    try:
        if _CPU_MAX.exists():
            quota, period = _CPU_MAX.read_text().split()
        else:
            quota, period = _CPU_QUOTA.read_text(), _CPU_PERIOD.read_text()
        if quota.strip() in ("max", "-1"):
            return None
        return int(quota) / int(period)
    except (OSError, ValueError):  # there is no cgroup, or it has another format
        return None
