from __future__ import annotations

import pytest

from seq2data.workers.system.environment import worker_environment

THREAD_COUNTS = [
    *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"),
    *("BLIS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "NUMEXPR_NUM_THREADS"),
]


@pytest.mark.parametrize("name", THREAD_COUNTS)
def test_libraries_run_on_one_thread(name: str) -> None:
    assert worker_environment({})[name] == "1"


@pytest.mark.parametrize("name", THREAD_COUNTS)
def test_thread_count_that_the_user_has_set_stays(name: str) -> None:
    assert worker_environment({name: "6"})[name] == "6"


@pytest.mark.parametrize("parent", [{}, {"CUDA_VISIBLE_DEVICES": "0,1"}])
def test_gpu_is_the_training_processs_alone(parent: dict[str, str]) -> None:
    assert worker_environment(parent)["CUDA_VISIBLE_DEVICES"] == ""


def test_log_level_of_tensorflow_is_errors_only_unless_the_user_has_set_it() -> None:
    assert worker_environment({})["TF_CPP_MIN_LOG_LEVEL"] == "3"
    asked = {"TF_CPP_MIN_LOG_LEVEL": "0"}
    assert worker_environment(asked)["TF_CPP_MIN_LOG_LEVEL"] == "0"


def test_everything_else_is_the_parents() -> None:
    parent = {"PATH": "/bin", "MY_DATA": "/data"}
    assert parent.items() <= worker_environment(parent).items()


def test_parents_environment_is_not_changed() -> None:
    parent = {"CUDA_VISIBLE_DEVICES": "0"}
    worker_environment(parent)
    assert parent == {"CUDA_VISIBLE_DEVICES": "0"}
