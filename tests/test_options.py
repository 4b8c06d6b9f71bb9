from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seq2data import options
from seq2data.options import Options, usable_cores


@pytest.fixture
def cores(monkeypatch: pytest.MonkeyPatch) -> int:
    """An affinity of twelve cores."""
    monkeypatch.setattr(
        os, "sched_getaffinity", lambda _: set(range(12)), raising=False
    )
    return 12


@pytest.fixture
def cgroup(cores: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which the cgroup's files are looked for; none is there."""
    monkeypatch.setattr(options, "_CPU_MAX", tmp_path / "cpu.max")
    monkeypatch.setattr(options, "_CPU_QUOTA", tmp_path / "cpu.cfs_quota_us")
    monkeypatch.setattr(options, "_CPU_PERIOD", tmp_path / "cpu.cfs_period_us")
    return tmp_path


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"workers": 0},
        {"workers": np.int64(3)},
        {"max_queue_size": 1},
        {"seed": 0},
        {"seed": 2**100},
        {"timeout": 0.5},
        {"timeout": np.float32(3)},
    ],
)
def test_good_settings_are_kept_as_they_are(arguments: dict[str, Any]) -> None:
    made = Options(**arguments)
    assert {name: getattr(made, name) for name in arguments} == arguments


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("workers", -1),
        ("max_queue_size", 0),
        ("max_queue_size", -10),
        ("seed", -1),
        ("timeout", 0),
        ("timeout", -2.5),
        ("timeout", float("nan")),
    ],
)
def test_number_out_of_range_is_refused_by_name_and_value(
    name: str, value: float
) -> None:
    with pytest.raises(ValueError, match=f"`{name}`.*{value!r}"):
        Options(**{name: value})


@pytest.mark.parametrize("name", ["workers", "max_queue_size", "seed"])
@pytest.mark.parametrize("value", [2.5, float("nan"), float("inf"), "4", True, [3]])
def test_what_is_no_whole_number_is_refused_by_name_and_value(
    name: str, value: object
) -> None:
    with pytest.raises(TypeError) as caught:
        Options(**{name: value})
    assert f"`{name}`" in str(caught.value)
    assert repr(value) in str(caught.value)


@pytest.mark.parametrize("value", ["5", [5]])
def test_timeout_that_is_no_number_is_refused_by_name(value: object) -> None:
    with pytest.raises(TypeError, match="`timeout`"):
        Options(timeout=value)


def test_max_queue_size_cannot_be_none() -> None:
    with pytest.raises(TypeError, match="`max_queue_size`"):
        Options(max_queue_size=None)


def test_settings_cannot_be_changed_afterwards() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Options().workers = 3


@pytest.mark.usefixtures("cgroup")
@pytest.mark.parametrize(("workers", "expected"), [(None, 12), (0, 0), (5, 5)])
def test_workers_left_out_are_as_many_as_usable_cores(
    workers: Any, expected: int
) -> None:
    assert Options(workers).num_workers == expected


@pytest.mark.parametrize(
    ("workers", "use_multiprocessing", "expected"),
    [(None, True, True), (2, True, True), (0, True, False), (2, False, False)],
)
def test_processes_are_used_where_there_are_workers(
    workers: Any, use_multiprocessing: bool, expected: bool
) -> None:
    assert Options(workers, use_multiprocessing).uses_processes is expected


def test_usable_cores_are_those_of_the_affinity(cgroup: Path, cores: int) -> None:
    assert usable_cores() == cores


@pytest.mark.usefixtures("cgroup")
def test_usable_cores_are_all_where_there_is_no_affinity(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 7)
    assert usable_cores() == 7


@pytest.mark.usefixtures("cgroup")
def test_one_core_is_usable_where_nobody_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert usable_cores() == 1


QUOTAS = [
    (400_000, 4),
    (250_000, 3),
    (50_000, 1),
    (0, 1),
    (9_900_000, 12),  # more than the affinity has
]


@pytest.mark.parametrize(("quota", "expected"), QUOTAS)
def test_quota_of_cgroup_v2_cuts_the_cores(
    quota: int, expected: int, cgroup: Path
) -> None:
    (cgroup / "cpu.max").write_text(f"{quota} 100000\n")
    assert usable_cores() == expected


@pytest.mark.parametrize(("quota", "expected"), QUOTAS)
def test_quota_of_cgroup_v1_cuts_the_cores(
    quota: int, expected: int, cgroup: Path
) -> None:
    (cgroup / "cpu.cfs_quota_us").write_text(f"{quota}\n")
    (cgroup / "cpu.cfs_period_us").write_text("100000\n")
    assert usable_cores() == expected


def test_cgroup_v2_is_asked_first(cgroup: Path) -> None:
    (cgroup / "cpu.max").write_text("200000 100000\n")
    (cgroup / "cpu.cfs_quota_us").write_text("500000\n")
    (cgroup / "cpu.cfs_period_us").write_text("100000\n")
    assert usable_cores() == 2


@pytest.mark.parametrize(
    "files",
    [
        {"cpu.max": "max 100000\n"},
        {"cpu.cfs_quota_us": "-1\n", "cpu.cfs_period_us": "100000\n"},
        {"cpu.cfs_quota_us": "200000\n"},
        {"cpu.max": ""},
        {"cpu.max": "lots of\n"},
    ],
)
def test_cgroup_without_a_quota_leaves_the_cores(
    files: dict[str, str], cgroup: Path, cores: int
) -> None:
    for name, text in files.items():
        (cgroup / name).write_text(text)
    assert usable_cores() == cores
