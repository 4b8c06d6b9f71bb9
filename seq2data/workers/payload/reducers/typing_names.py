"""New types, type variables and aliases that the user's annotations refer to.

cloudpickle sends a `typing.TypeVar` itself.
"""

from __future__ import annotations

import typing
from typing import Any

import wrapt

from seq2data.workers.payload.reducers.names import register_parts


def _parts_of_variable(value: Any) -> tuple[Any, ...]:
    return _named, (type(value), value.__module__, value.__name__)


def _parts_of_new_type(value: Any) -> tuple[Any, ...]:
    return _named, (type(value), value.__module__, value.__name__, value.__supertype__)


def _parts_of_alias(value: Any) -> tuple[Any, ...]:
    return _alias, (type(value), value.__name__, value.__value__, value.__type_params__)


def _named(kind: Any, module: str, *arguments: Any) -> Any:
    made = kind(*arguments)
    made.__module__ = module
    return made


def _alias(kind: Any, name: str, value: Any, parameters: tuple[Any, ...]) -> Any:
    return kind(name, value, type_params=parameters)


_PARTS = {
    "NewType": _parts_of_new_type,
    "ParamSpec": _parts_of_variable,
    "TypeVarTuple": _parts_of_variable,
    "TypeAliasType": _parts_of_alias,
}


def _register(module: Any) -> None:
    for name, parts in _PARTS.items():
        kind = getattr(module, name, None)
        if isinstance(kind, type):  # `NewType` is a function before Python 3.10
            register_parts(kind, parts)


_register(typing)
wrapt.register_post_import_hook(_register, "typing_extensions")
