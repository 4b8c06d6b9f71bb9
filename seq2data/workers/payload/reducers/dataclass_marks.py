"""The constants of `dataclasses` that mark fields: a worker gets its own ones.

`dataclasses` compares them by identity.
"""

from __future__ import annotations

import dataclasses
from operator import attrgetter
from typing import Any

from seq2data.workers.payload.registry import Recipe, register


def _reduce_field_type(value: Any) -> Recipe:
    return attrgetter(value.name), (dataclasses,)


def _reduce_missing(_: Any) -> Recipe:
    return attrgetter("MISSING"), (dataclasses,)


def _reduce_keyword_only(_: Any) -> Recipe:
    return attrgetter("KW_ONLY"), (dataclasses,)


_dataclasses: Any = dataclasses
# cloudpickle 2.1 and later reduces these itself.
register(_dataclasses._FIELD_BASE, _reduce_field_type)
register(type(dataclasses.MISSING), _reduce_missing)
if hasattr(dataclasses, "KW_ONLY"):  # since Python 3.10
    register(type(dataclasses.KW_ONLY), _reduce_keyword_only)
