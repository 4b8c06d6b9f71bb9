"""Modules of a class of their own: a worker imports them.

TensorFlow's `keras` is one: its class loads the module at the first use.
"""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Optional

from seq2data.workers.payload.registry import Recipe, register


def _reduce(module: ModuleType) -> Optional[Recipe]:
    if type(module) is ModuleType:
        return None
    return importlib.import_module, (module.__name__,)


register(ModuleType, _reduce)
