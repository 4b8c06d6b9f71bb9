"""Levels of loggers, and handlers that several processes can share."""

from __future__ import annotations

import sys
from logging import NOTSET
from typing import Any, NamedTuple, Optional

from seq2data.workers.program_state.settings.registry import Setting, register_setting

_STREAMS = ("stdout", "stderr")


class HandlerState(NamedTuple):
    """The state of a handler, from which a worker makes one.

    Attributes:
        stream: `stdout` or `stderr`, None for a file.
        file: The arguments of a FileHandler, which appends.
        level: The level.
        formatter: The formatter, None for the default of `logging`.
        filters: The filters.
    """

    stream: Optional[str]
    file: Optional[tuple[str, str, Optional[str]]]
    level: int
    formatter: Any
    filters: list[Any]


class LoggerState(NamedTuple):
    """The state of a logger; `name` is None for the root."""

    name: Optional[str]
    level: int
    is_disabled: bool
    propagates: bool
    handlers: tuple[HandlerState, ...]


def _take(logging: Any) -> tuple[int, list[LoggerState]]:
    loggers = [logging.root]
    loggers += [
        logger
        for logger in list(logging.root.manager.loggerDict.values())
        if isinstance(logger, logging.Logger)
    ]
    states = [_state_of(logging, logger) for logger in loggers]
    return logging.root.manager.disable, [s for s in states if not _is_default(s)]


def _state_of(logging: Any, logger: Any) -> LoggerState:
    handlers = (_handler_state(logging, handler) for handler in logger.handlers)
    return LoggerState(
        None if logger is logging.root else logger.name,
        logger.level,
        logger.disabled,
        logger.propagate,
        tuple(state for state in handlers if state is not None),
    )


def _is_default(state: LoggerState) -> bool:
    level = NOTSET if state.name is not None else None
    return state == (state.name, level, False, True, ())


def _handler_state(logging: Any, handler: Any) -> Optional[HandlerState]:
    """Returns the state of a handler, None if only this process can have it."""
    stream, file = None, None
    if type(handler) is logging.StreamHandler:
        names = [name for name in _STREAMS if handler.stream is getattr(sys, name)]
        if not names:
            return None
        stream = names[0]
    elif type(handler) is logging.FileHandler:
        file = (handler.baseFilename, "a", handler.encoding)
    else:
        return None
    return HandlerState(
        stream, file, handler.level, handler.formatter, list(handler.filters)
    )


def _apply(logging: Any, state: tuple[int, list[LoggerState]]) -> None:
    disabled_up_to, loggers = state
    logging.disable(disabled_up_to)
    for one in loggers:
        logger = logging.getLogger(one.name)
        logger.setLevel(one.level)
        logger.disabled, logger.propagate = one.is_disabled, one.propagates
        for handler in list(logger.handlers):
            if getattr(handler, "is_from_parent", False):
                logger.removeHandler(handler)
                handler.close()
        for handler_state in one.handlers:
            logger.addHandler(_handler(logging, handler_state))


def _handler(logging: Any, state: HandlerState) -> Any:
    if state.file is not None:
        handler = logging.FileHandler(*state.file, delay=True)
    else:
        handler = logging.StreamHandler(getattr(sys, state.stream or "stderr"))
    handler.is_from_parent = True
    handler.setLevel(state.level)
    handler.setFormatter(state.formatter)
    for one in state.filters:
        handler.addFilter(one)
    return handler


register_setting("logging", Setting("logging", _take, _apply))
