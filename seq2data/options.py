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
    """Settings of one dataset; arguments are checked when it is made.

    Raises:
        ValueError: A number is out of its range.
        TypeError: A number is not one.
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
        """Workers that read at once; 0 means in the caller's process."""
        return usable_cores() if self.workers is None else self.workers

    @property
    def uses_processes(self) -> bool:
        """Whether batches are read in other processes than the caller's."""
        return self.use_multiprocessing and self.num_workers > 0


def whole(name: str, value: object, least: int, *, rounds_up: bool = False) -> int:
    """The value as an int; a whole number may be a float, as `np.ceil` gives it.

    Args:
        name: The argument's, for messages.
        value: What was passed.
        least: The smallest that is allowed.
        rounds_up: Whether one that is not whole counts as the next one that is.

    Raises:
        TypeError: It is no whole number.
        ValueError: It is too small.
    """
    number = _int_of(value, rounds_up)
    message = f"`{name}` is a whole number of {least} or more; received: {value!r}"
    if number is None:
        raise TypeError(message)
    if number < least:
        raise ValueError(message)
    return number


def _int_of(value: Any, rounds_up: bool) -> Optional[int]:
    """None for what is no whole number."""
    if getattr(value, "ndim", None) == 0 and hasattr(value, "item"):
        value = value.item()  # numpy's scalars and arrays of one
    if isinstance(value, bool) or getattr(value, "ndim", None):
        return None
    if isinstance(value, SupportsIndex):
        return operator.index(value)
    if not isinstance(value, SupportsFloat) or not math.isfinite(value):
        return None
    number = math.ceil(value)
    return number if rounds_up or number == value else None


def _check_seconds(name: str, value: object) -> None:
    message = f"`{name}` is a number of seconds above 0; received: {value!r}"
    if isinstance(value, bool) or not isinstance(value, SupportsFloat):
        raise TypeError(message)
    if not float(value) > 0:
        raise ValueError(message)


def usable_cores() -> int:
    """Cores this process may use: its affinity, cut by the cgroup's CPU quota."""
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    quota = _cgroup_quota()
    return cores if quota is None else max(1, min(cores, math.ceil(quota)))


def _cgroup_quota() -> Optional[float]:
    """The cgroup's quota in cores (v2, then v1)."""
    try:
        if _CPU_MAX.exists():
            quota, period = _CPU_MAX.read_text().split()
        else:
            quota, period = _CPU_QUOTA.read_text(), _CPU_PERIOD.read_text()
        if quota.strip() in ("max", "-1"):
            return None
        return int(quota) / int(period)
    except (OSError, ValueError):  # no cgroup here, or one of another make
        return None
