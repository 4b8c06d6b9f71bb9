"""Connections to an SQLite database in a file: each worker connects for itself.

Functions and collations that were registered with a connection are not sent.
"""

from __future__ import annotations

import os
from typing import Any

import wrapt

from seq2data.workers.payload.registry import Recipe, register

# By id, since there are no weak references to a connection. It can be used only in the
# thread that opened it. `to_dataset` is called there, but later epochs begin in threads
# of TensorFlow.
_paths: dict[int, str] = {}


def _reduce(value: Any) -> Recipe:
    import sqlite3

    try:
        # `value.execute` would pass the row to the user's `row_factory`.
        cursor = sqlite3.Cursor(value).execute("PRAGMA database_list")
        _paths[id(value)] = os.fsdecode(cursor.fetchone()[2])
    except sqlite3.ProgrammingError:  # closed, or of another thread
        if id(value) not in _paths:
            raise
    path = _paths[id(value)]
    if not path:
        raise TypeError(
            "its database is in the memory of this process: write it to a file "
            "(`Connection.backup`), and connect to that"
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
    # SQLite forbids the use of a connection after a fork.
    register(sqlite3.Connection, _reduce, survives_fork=False)


wrapt.register_post_import_hook(_register, "sqlite3")
