"""Interpreters of seq2data's start without what was taken from their parent."""

from __future__ import annotations

import os

if "SEQ2DATA_TEST_WITHOUT" in os.environ:
    from taken_away import VARIABLE, take_away

    take_away(tuple(os.environ[VARIABLE].split()))
