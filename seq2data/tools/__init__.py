"""The `seq2data` command: `cli` has the parser, each sub-command a module of its name.

Importing a sub-command loads nothing heavy, so that `seq2data --help` answers at once.
"""

from __future__ import annotations
