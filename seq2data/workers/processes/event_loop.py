"""Waits for many descriptors at once, and calls a function for each that is ready."""

from __future__ import annotations

import math
import select
from typing import Any, Callable, Optional

from seq2data.workers.system.readable import wait_readable

Handler = Callable[[], object]


class EventLoop:
    """The descriptors that one thread waits for, and their handlers.

    `selectors` does the same; its lookups were a fifth of all calls that a small batch
    cost in the training process. It is used where the system has no `poll`.
    """

    def __init__(self) -> None:
        self._poll: Any = select.poll() if hasattr(select, "poll") else None
        self._handlers: dict[int, Handler] = {}

    def watch(self, descriptor: int, handler: Handler) -> None:
        """Calls `handler` whenever the descriptor is readable or at its end."""
        self._handlers[descriptor] = handler
        if self._poll is not None:
            self._poll.register(descriptor, select.POLLIN)

    def unwatch(self, descriptor: int) -> None:
        """Forgets a descriptor, which must be open; does nothing if it is unknown."""
        is_known = self._handlers.pop(descriptor, None) is not None
        if is_known and self._poll is not None:
            self._poll.unregister(descriptor)

    def run_once(self, timeout_s: Optional[float]) -> None:
        """Waits once and calls the handlers of what is ready; None waits for ever."""
        handlers = self._handlers
        if self._poll is None:
            descriptors = wait_readable(handlers, timeout_s)
        else:
            timeout_ms = None if timeout_s is None else math.ceil(timeout_s * 1000)
            descriptors = [descriptor for descriptor, _ in self._poll.poll(timeout_ms)]
        ready = [(descriptor, handlers[descriptor]) for descriptor in descriptors]
        for descriptor, handler in ready:
            # A handler before may have closed it, and its number may be another's now.
            if handlers.get(descriptor) is handler:
                handler()
