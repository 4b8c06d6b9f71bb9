"""What is sent to workers: the source, and the state of the program."""

from __future__ import annotations

from seq2data.workers.payload import by_value, reducers  # noqa: F401  # they register
