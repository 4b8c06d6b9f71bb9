"""Turns anything with `__len__` and `__getitem__` into a source read by index.

That is a Keras 2 or Keras 3 Sequence, a list, a torch map-style Dataset: it is known by
what it can do, so classes of any Keras, and without `super().__init__()`, serve.
"""

from __future__ import annotations

from typing import Any, Callable, Optional

from seq2data.errors import SourceError
from seq2data.source.keras_batches import as_it_is
from seq2data.source.own_code import own_code


class Indexable:
    """The user's object; the same in the caller's process and in every worker.

    Args:
        wrapped: The user's object.
        transform: Called with `wrapped[index]`; gives the arrays.
    """

    restarts = True
    """A pass begins at index 0, and any index may be read again."""
    seeds_itself = False
    """Whether reading seeds numpy's global generator, so that no two may read at once
    in one process."""
    keeps_order = False
    """Whether the user passed an iterator, whose order Keras never shuffles."""

    def __init__(
        self, wrapped: Any, transform: Optional[Callable[[Any], Any]] = None
    ) -> None:
        self.standardize: Callable[[Any], Any] = as_it_is
        """Makes a batch of what the user's object gives."""
        self._wrapped = wrapped
        self._transform = transform

    @property
    def name(self) -> str:
        """The class, for messages."""
        return type(self._wrapped).__qualname__

    def sent_parts(self) -> dict[str, Any]:
        """What of the user's has to reach the workers, by name."""
        return {self.name: self._wrapped, "transform": self._transform}

    @own_code
    def num_batches(self) -> int:
        """`len()` of the user's object, asked anew on every call.

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
        """What the user's object gives for `index`, transformed."""
        item = self.read_item(index)
        if self._transform is not None:
            item = self._transform(item)
        return self.standardize(item)

    def read_item(self, index: int) -> Any:
        """What the user's object gives for `index`."""
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
