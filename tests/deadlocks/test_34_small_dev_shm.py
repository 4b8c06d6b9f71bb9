"""A container's /dev/shm is too small for the batches, or is not there.

pytorch#5040, #1355: shared memory with a name lives there; a write beyond its size is a
SIGBUS. A pool's locks live there, too, so it cannot even be made where it is missing.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from tests.deadlocks.program import HANGS, Outcome
from tests.deadlocks.scenario import Numbered, fit_legacy, indices
from tests.keras_version import KERAS_VERSION

# Run as root of a mount namespace of their own; "$@" is the program.
_SMALL = "mount -t tmpfs -o size=2m tmpfs /dev/shm"
_MISSING = """
mkdir dev
mount -t tmpfs tmpfs dev
for name in null zero random urandom; do
    touch dev/$name
    mount --bind /dev/$name dev/$name
done
mount --move dev /dev
rmdir dev
"""
_BATCH_BYTES = 8 * 2**20


class Large(Numbered):
    """8 MiB a batch."""

    def __getitem__(self, index: int) -> Any:
        x = np.full((2, _BATCH_BYTES // 8), index, np.float32)
        return x, np.zeros((2, 1), np.float32)


def may_mount() -> bool:
    command = ["unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/dev/shm"]
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


needs_mount = pytest.mark.skipif(
    "not may_mount()", reason="needs the right to mount in a namespace of its own"
)


def run_inside(mounts: str, function: str) -> None:
    """Runs a function of this module as a program that sees another /dev/shm."""
    code = f"import {__name__} as scenario; scenario.{function}()"
    script = f'set -e\nmount --make-rprivate /\n{mounts}\nexec "$@"'
    subprocess.run(
        ["unshare", "--mount", "sh", "-c", script, "sh", sys.executable, "-c", code],
        check=True,
    )


def read() -> None:
    from seq2data import to_dataset

    size = os.statvfs("/dev/shm").f_blocks if os.path.exists("/dev/shm") else "no"
    dataset = to_dataset(Large(), workers=2)
    kept = list(dataset)  # 96 MiB
    print(size, "/dev/shm:", indices(kept), flush=True)


def fit() -> None:
    import tensorflow as tf

    try:
        print(fit_legacy(Numbered()).seen)
    except tf.errors.OpError as error:
        if "FileNotFoundError" not in str(error):
            raise
        print("no pool without /dev/shm: FileNotFoundError")


def ours() -> None:
    run_inside(_SMALL, "read")
    run_inside(_MISSING, "read")
    print("every batch once, in order")


def legacy() -> None:
    run_inside(_MISSING, "fit")


@needs_mount
def test_dev_shm_is_not_used(ours: Outcome) -> None:
    batches = list(range(12))
    assert ours.succeed()[:2] == [
        f"512 /dev/shm: {batches}",
        f"no /dev/shm: {batches}",
    ]


@needs_mount
def test_legacy(legacy: Outcome) -> None:
    expected = {2: HANGS, 3: "no pool without /dev/shm: FileNotFoundError"}
    assert legacy.summary == expected[KERAS_VERSION[0]]
