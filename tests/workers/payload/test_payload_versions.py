"""A later version sends only the arrays that differ."""

from __future__ import annotations

from typing import Any, Optional

import numpy as np
import pytest

from seq2data.workers.payload.payload import Payload, pack
from tests.workers.payload.loading import Data, big, loaded


def test_first_version_is_0_and_each_change_counts_one_up() -> None:
    data = Data(x=big())
    payload: Optional[Payload] = None
    versions = []
    for data.epoch in range(3):
        payload = pack(data, payload)
        versions.append(payload.version)
    assert versions == [0, 1, 2]


@pytest.mark.parametrize("arrays", [{}, {"x": big()}, {"x": big(), "y": big(5)}])
def test_source_that_has_not_changed_is_the_same_payload(
    arrays: dict[str, Any],
) -> None:
    data = Data(**arrays)
    first = pack(data, None)
    assert pack(data, first) is first


def test_array_that_has_not_changed_is_not_sent_again() -> None:
    data = Data(x=big(), y=big(5))
    first = pack(data, None)
    data.epoch = 1
    second = pack(data, first)
    assert second is not first
    assert second.load.buffers == first.load.buffers
    assert second.load.pickle.file not in first.load.files
    found = loaded(second)
    assert found.epoch == 1
    assert found.x.tolist() == big().tolist()
    assert found.y.tolist() == big(5).tolist()


def test_array_of_equal_content_is_not_sent_again() -> None:
    first = pack(Data(x=big()), None)
    second = pack(Data(x=big().copy(), note="another object"), first)
    assert second.load.buffers == first.load.buffers


def test_only_the_array_that_has_changed_is_sent_again() -> None:
    data = Data(x=big(), y=big(5))
    first = pack(data, None)
    data.y[-1] = -1
    second = pack(data, first)
    assert second.load.buffers[0] == first.load.buffers[0]
    assert second.load.buffers[1].file not in first.load.files
    found = loaded(second)
    assert found.x.tolist() == big().tolist()
    assert found.y[[0, -1]].tolist() == [5, -1]


def test_array_changed_in_any_place_is_noticed() -> None:
    data = Data(x=np.zeros(3 << 18))  # several pieces of comparison
    payload = pack(data, None)
    for position in (0, 1 << 17, (3 << 18) - 1):
        data.x[position] = 1
        newer = pack(data, payload)
        assert newer is not payload
        assert loaded(newer).x[position] == 1
        payload = newer


def test_arrays_that_changed_places_are_not_sent_again() -> None:
    data = Data(x=big(), y=big(5))
    first = pack(data, None)
    data.x, data.y = data.y, data.x
    second = pack(data, first)
    assert set(second.load.buffers) == set(first.load.buffers)
    found = loaded(second)
    assert (found.x[0], found.y[0]) == (5, 0)


def test_arrays_of_several_versions_are_found_again() -> None:
    data = Data(x=big(), y=big(5), z=big(9))
    payload = pack(data, None)
    for data.epoch in range(1, 6):
        data.y = big(100 * data.epoch)
        payload = pack(data, payload)
        found = loaded(payload)
        starts = found.epoch, found.x[0], found.y[0], found.z[0]
        assert starts == (data.epoch, 0, 100 * data.epoch, 9)


def test_files_that_no_array_needs_are_closed() -> None:
    data = Data(x=big())
    payload = pack(data, None)
    for data.epoch in range(1, 5):
        data.x = big(data.epoch)
        payload = pack(data, payload)
        assert len(payload.files) == 1
    assert payload.load.files == tuple(payload.files)


def test_older_version_stays_valid_when_a_newer_one_is_loaded() -> None:
    data = Data(x=big())
    first = pack(data, None)
    older = loaded(first)
    data.x = big(7)
    newer = loaded(pack(data, first))
    assert (older.x[0], newer.x[0]) == (0, 7)


def test_newer_version_does_not_have_what_the_worker_wrote_into_the_older() -> None:
    assert first_element_after_a_write() == 0


def first_element_after_a_write() -> int:
    data = Data(x=big())
    first = pack(data, None)
    loaded(first).x[0] = -1
    data.epoch = 1
    return int(loaded(pack(data, first)).x[0])


@pytest.mark.parametrize("version", [0, 1])
def test_arrays_of_equal_content_are_still_two_arrays(version: int) -> None:
    assert first_element_after_a_write_to_its_twin(version) == 0


def first_element_after_a_write_to_its_twin(version: int) -> int:
    data = Data(x=big(), y=big())
    payload: Optional[Payload] = None
    for data.epoch in range(version + 1):
        payload = pack(data, payload)
    assert payload is not None
    found = loaded(payload)
    found.x[0] = -1
    return int(found.y[0])
