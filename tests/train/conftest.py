from __future__ import annotations

from collections.abc import Iterator

import pytest

import seq2data


@pytest.fixture
def patched() -> Iterator[None]:
    """Every Keras has the patches while a test runs."""
    seq2data.patch_keras()
    yield
    seq2data.unpatch_keras()
