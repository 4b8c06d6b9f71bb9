"""What the attributes of a user's object are, at one moment."""

from __future__ import annotations

from typing import Any

_PLAIN = (bool, int, float, str, bytes, type(None))


def attributes(source: Any) -> list[tuple[str, Any]]:
    """The attributes of a source's parts: the values of plain ones, else which it is.

    Two moments compare equal if no attribute was set between them; what was changed
    inside an attribute's value is not seen.
    """
    parts = source.sent_parts().values() if hasattr(source, "sent_parts") else ()
    return [
        (name, value if isinstance(value, _PLAIN) else id(value))
        for part in parts
        for name, value in getattr(part, "__dict__", {}).items()
    ]
