"""Settings of libraries that workers get: each kind of library has a file here.

registry      `Setting`, and which ones there are
the others    the settings, registered when they are imported
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
