"""Records the attributes of a user's object at one moment."""

from __future__ import annotations

from typing import Any

_PLAIN = (bool, int, float, str, bytes, type(None))


def attributes(source: Any) -> list[tuple[str, Any]]:
    """Returns each attribute of a source's parts: a plain value, else its identity.

    Two results are equal if no attribute was set between them. A change inside of an
    attribute's value is not noticed.
    """
    parts = source.sent_parts().values() if hasattr(source, "sent_parts") else ()
    return [
        (name, value if isinstance(value, _PLAIN) else id(value))
        for part in parts
        for name, value in getattr(part, "__dict__", {}).items()
    ]
