"""Sends settings of libraries to workers: one file for each kind of library.

registry      `Setting` and `register_setting`
the others    register their settings when they are imported

To add a setting, read `registry` and `libraries`, and edit the file that fits; a new
file is imported below.
"""

from __future__ import annotations

from seq2data.workers.program_state.settings import (  # noqa: F401  # they register
    interpreter,
    libraries,
    logging,
    warning_filters,
)
from seq2data.workers.program_state.settings.registry import (
    apply_settings,
    take_settings,
)

__all__ = ["apply_settings", "take_settings"]
