"""Tells which values are plain: they can be sent anywhere at little cost."""

from __future__ import annotations

import collections
import datetime
import pathlib
from typing import Any

from seq2data.source.user_modules import is_users_module

_NUMBERS_AND_TEXT = (bool, int, float, complex, str, bytes, type(None))
_DATES = (datetime.date, datetime.datetime, datetime.timedelta)
_PATHS = (type(pathlib.Path()), type(pathlib.PurePath()))
_SCALARS = frozenset((*_NUMBERS_AND_TEXT, *_DATES, *_PATHS, type(...), slice, range))
# Larger containers are data. They are sent if the code refers to them.
_MOST_ITEMS = 10_000
_DEEPEST = 4
_CONTAINERS = (dict, list, set, collections.deque, collections.OrderedDict)


def is_changeable(value: Any) -> bool:
    """True if the contents of a value can be changed, and it is the user's own."""
    kind = type(value)
    return kind in _CONTAINERS or is_users_module(kind.__module__)


def is_plain(value: Any, depth: int = 0) -> bool:
    """True if a value is not large and has only numbers, text, dates and paths."""
    kind = type(value)
    if kind in _SCALARS:
        return True
    if depth > _DEEPEST:
        return False
    if kind in (list, tuple, set, frozenset, collections.deque):
        if set(map(type, value)) <= _SCALARS:
            return True
        return len(value) <= _MOST_ITEMS and all(is_plain(v, depth + 1) for v in value)
    if kind in (dict, collections.OrderedDict):
        return is_plain(list(value), depth) and is_plain(list(value.values()), depth)
    return False


def is_sent(value: Any) -> bool:
    """True if a value that a function holds is sent: it can be changed, or is plain."""
    return is_changeable(value) or is_plain(value)
