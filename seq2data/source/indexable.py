"""Turns anything with `__len__` and `__getitem__` into a source read by index.

Examples are a Sequence of Keras 2 or Keras 3, a list, and a map-style Dataset of torch.
Only the methods matter, so the class may be of any Keras, and need not call
`super().__init__()`.
"""

from __future__ import annotations

from typing import Any, Callable, Optional

from seq2data.errors import SourceError
from seq2data.source.keras_batches import as_it_is
from seq2data.source.own_code import own_code


class Indexable:
    """The user's object, in the caller's process and in every worker.

    Args:
        wrapped: The user's object.
        transform: Is called with `wrapped[index]` and returns the arrays.
    """

    seeds_itself = False
    """True if reading seeds numpy's global generator, so that only one thread of a
    process may read at once."""
    keeps_order = False
    """True if the user passed an iterator, whose order Keras never shuffles."""

    def __init__(
        self, wrapped: Any, transform: Optional[Callable[[Any], Any]] = None
    ) -> None:
        self.standardize: Callable[[Any], Any] = as_it_is
        """Turns what the user's object returns into a batch."""
        self._wrapped = wrapped
        self._transform = transform

    @property
    def name(self) -> str:
        """The name of the class, for messages."""
        return type(self._wrapped).__qualname__

    def sent_parts(self) -> dict[str, Any]:
        """Returns the user's objects that the workers need, by name."""
        return {self.name: self._wrapped, "transform": self._transform}

    @own_code
    def num_batches(self) -> int:
        """Returns the current `len()` of the user's object.

        Raises:
            SourceError: It is 0.
        """
        count = len(self._wrapped)
        if count == 0:
            raise SourceError(
                f"`{self.name}` is empty: its `__len__` returned 0, so there is no "
                "batch to read"
            )
        return count

    @own_code
    def read(self, index: int) -> Any:
        """Returns the batch for `index`, after `transform`."""
        item = self.read_item(index)
        if self._transform is not None:
            item = self._transform(item)
        return self.standardize(item)

    def read_item(self, index: int) -> Any:
        """Returns what the user's object returns for `index`."""
        return self._wrapped[index]

    def on_epoch_begin(self) -> None:
        """Calls the user's hook of this name (Keras 3), if there is one."""
        self._call_hook("on_epoch_begin")

    def on_epoch_end(self) -> None:
        """Calls the user's hook of this name, if there is one."""
        self._call_hook("on_epoch_end")

    @own_code
    def _call_hook(self, name: str) -> None:
        hook = getattr(self._wrapped, name, None)
        if callable(hook):
            hook()
