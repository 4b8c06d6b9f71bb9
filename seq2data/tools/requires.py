"""Imports an optional dependency, or names the extra that installs it."""

from __future__ import annotations

import importlib
from types import ModuleType

from seq2data.errors import MissingExtraError


def require(module: str, extra: str) -> ModuleType:
    """Imports and returns a module.

    Raises:
        MissingExtraError: It is not installed; the message has the command to type.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"`{error.name}` is not installed; it comes with the extra `{extra}`: "
            f'pip install "seq2data[{extra}]"'
        ) from error
