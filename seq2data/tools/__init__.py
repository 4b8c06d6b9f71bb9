"""Implements the `seq2data` command: `cli` has the parser, each command its module.

Importing the module of a command does not load TensorFlow, so `seq2data --help` is
fast. To add a command, write its module and add it to `_COMMANDS` in `cli`.
"""

from __future__ import annotations
