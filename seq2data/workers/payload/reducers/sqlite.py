"""Connections to an SQLite database in a file: each worker connects for itself.

What was registered with a connection, functions and collations, stays in the parent.
"""

from __future__ import annotations

import os
from typing import Any

import wrapt

from seq2data.workers.payload.registry import Recipe, register

# By identity, since a connection takes no weak reference. It answers only in the thread
# that opened it; `to_dataset` is called there, but later epochs begin in TensorFlow's.
_paths: dict[int, str] = {}


def _reduce(value: Any) -> Recipe:
    import sqlite3

    try:
        # Not `value.execute`: the user's `row_factory` would make something of it.
        cursor = sqlite3.Cursor(value).execute("PRAGMA database_list")
        _paths[id(value)] = os.fsdecode(cursor.fetchone()[2])
    except sqlite3.ProgrammingError:  # closed, or of another thread
        if id(value) not in _paths:
            raise
    path = _paths[id(value)]
    if not path:
        raise TypeError(
            "its database is in memory, so only this process has it: write it to a "
            "file (`Connection.backup`), and connect to that"
        )
    factories = value.row_factory, value.text_factory
    return _connect, (path, type(value), value.isolation_level, factories)


def _connect(
    path: str, kind: Any, isolation_level: Any, factories: tuple[Any, Any]
) -> Any:
    import sqlite3

    connection = sqlite3.connect(
        path, isolation_level=isolation_level, factory=kind, check_same_thread=False
    )
    connection.row_factory, connection.text_factory = factories
    return connection


def _register(sqlite3: Any) -> None:
    # SQLite forbids to use a connection on the other side of a fork.
    register(sqlite3.Connection, _reduce, survives_fork=False)


wrapt.register_post_import_hook(_register, "sqlite3")
