"""The filters of `warnings`, which can also turn warnings into errors."""

from __future__ import annotations

import sys
from typing import Any, NamedTuple, Optional

from seq2data.workers.program_state.settings.registry import Setting, register_setting


class Filter(NamedTuple):
    """One filter. The category is a name, so that no module is imported for it."""

    action: str
    message: str
    module: str
    line: int
    category: tuple[str, str]


def _pattern(compiled: Any) -> str:
    return "" if compiled is None else getattr(compiled, "pattern", str(compiled))


def _take(warnings: Any) -> list[Filter]:
    return [
        Filter(
            *(action, _pattern(message), _pattern(module), line),
            (category.__module__, category.__qualname__),
        )
        for action, message, category, module, line in warnings.filters
    ]


def _apply(warnings: Any, filters: list[Filter]) -> None:
    if _take(warnings) == filters:
        return
    warnings.resetwarnings()
    for one in filters:
        category = _category(one)
        if category is not None:
            warnings.filterwarnings(
                *(one.action, one.message, category, one.module, one.line), append=True
            )


def _category(one: Filter) -> Optional[type[Warning]]:
    """Returns the class, None if this process has not loaded its module."""
    module, name = one.category
    found = getattr(sys.modules.get(module), name, None)
    return found if isinstance(found, type) and issubclass(found, Warning) else None


register_setting("warning filters", Setting("warnings", _take, _apply, comes_last=True))
