"""Turns a command line into a call of the module that has the command's name.

A command is a module with `add_arguments(parser)` and `run(arguments)`. The first line
of its docstring is its help.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Optional

import seq2data
from seq2data.errors import Seq2DataError
from seq2data.tools import deadlocks, demo, run

_COMMANDS = (demo, run, deadlocks)


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Runs the command that `argv` names; returns the exit code.

    Args:
        argv: The words after `seq2data`; by default those of this process.
    """
    arguments = _parser().parse_args(argv)
    try:
        return int(arguments.run(arguments))
    except Seq2DataError as error:
        print(f"seq2data {arguments.command}: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="seq2data",
        description="Runs old Keras input code as a tf.data.Dataset with workers.",
    )
    parser.add_argument(
        "--version", action="version", version=f"seq2data {seq2data.__version__}"
    )
    commands = parser.add_subparsers(
        title="commands", dest="command", metavar="COMMAND", required=True
    )
    for module in _COMMANDS:
        name = module.__name__.rpartition(".")[2]
        summary = (module.__doc__ or "").partition("\n")[0]
        command = commands.add_parser(name, help=summary, description=summary)
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    return parser
