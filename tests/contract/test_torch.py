"""Random numbers of torch belong to the batch; `tests/doubles` stands in for torch."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("tensorflow")

pytestmark = pytest.mark.tensorflow

ROOT = Path(__file__).parents[2]
DOUBLES = ROOT / "tests" / "doubles" / "site-packages"
NUM_EPOCHS, NUM_BATCHES = 2, 6
each_importer = pytest.mark.parametrize("who", ["worker", "program"])


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the program prints."""
    path = [str(DOUBLES), str(ROOT), *filter(None, sys.path)]
    done = subprocess.run(
        [sys.executable, "-m", "tests.contract.program_with_torch"],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(path),
            "TF_CPP_MIN_LOG_LEVEL": "3",
        },
        cwd=tmp_path_factory.mktemp("torch"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    printed: dict[str, Any] = json.loads(done.stdout)
    return printed


def numbers_in(epochs: list[list[list[float]]]) -> list[float]:
    assert [len(epoch) for epoch in epochs] == [NUM_BATCHES] * NUM_EPOCHS
    return [number for epoch in epochs for batch in epoch for number in batch]


@each_importer
def test_number_of_workers_changes_no_number(result: dict[str, Any], who: str) -> None:
    one, three = (
        result["found"][f"global, loaded by the {who}, workers={workers}, seed=1"]
        for workers in (1, 3)
    )
    assert numbers_in(one) == numbers_in(three)


@each_importer
def test_each_batch_of_each_epoch_has_numbers_of_its_own(
    result: dict[str, Any], who: str
) -> None:
    found = result["found"][f"global, loaded by the {who}, workers=3, seed=1"]
    numbers = numbers_in(found)
    assert len(set(numbers)) == len(numbers) == 2 * NUM_BATCHES * NUM_EPOCHS


@each_importer
def test_another_seed_gives_other_numbers(result: dict[str, Any], who: str) -> None:
    one, two = (
        result["found"][f"global, loaded by the {who}, workers=3, seed={seed}"]
        for seed in (1, 2)
    )
    assert not set(numbers_in(one)) & set(numbers_in(two))


def test_moment_of_the_import_changes_no_number(result: dict[str, Any]) -> None:
    worker, program = (
        result["found"][f"global, loaded by the {who}, workers=3, seed=1"]
        for who in ("worker", "program")
    )
    assert numbers_in(worker) == numbers_in(program)


@pytest.mark.parametrize("seeded", [False, True])
def test_generator_of_the_source_draws_the_same_with_any_workers(
    result: dict[str, Any], seeded: bool
) -> None:
    found = [
        numbers_in(result["found"][f"own, seeded={seeded}, workers={workers}"])
        for workers in (0, 1, 3)
    ]
    assert found[0] == found[1] == found[2]
    assert len(set(found[0])) == len(found[0])


def test_state_of_torch_in_the_program_is_kept(result: dict[str, Any]) -> None:
    assert result["is_programs_kept"] is True
