"""Runs `python -m seq2data` as the `seq2data` command."""

from __future__ import annotations

import sys

from seq2data.tools.cli import main

if __name__ == "__main__":
    sys.exit(main())
