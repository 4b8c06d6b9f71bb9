"""Is imported inside of functions only."""

from __future__ import annotations

LEVEL = 0
