"""Numbers of steps and epochs, as ints: old scripts pass `np.ceil(n / batch_size)`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Optional

from seq2data.options import whole

# Least values of what goes on to `fit`.
_EPOCHS = {"epochs": 0, "initial_epoch": 0}


def count_of_steps(name: str, value: Any) -> Optional[int]:
    """A number of steps; None stays.

    Of `n / batch_size` the part of a step at the end is a step, too: Keras 2 goes on
    while `steps_done < steps`.

    Raises:
        TypeError: It is no number.
        ValueError: It is not above 0.
    """
    return None if value is None else whole(name, value, 1, rounds_up=True)


def whole_epochs(arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments of `fit`, of which those that count epochs are ints.

    Raises:
        TypeError: One of them is not whole.
        ValueError: One of them is too small.
    """
    checked = {
        name: whole(name, arguments[name], least)
        for name, least in _EPOCHS.items()
        if name in arguments
    }
    if "validation_freq" in arguments:
        checked["validation_freq"] = _frequency(arguments["validation_freq"])
    return {**arguments, **checked}


def _frequency(value: Any) -> Any:
    """Each how many epochs, or a list of epochs, the only container of Keras 3."""
    if isinstance(value, Iterable) and getattr(value, "ndim", None) != 0:
        return [whole("validation_freq", epoch, 0) for epoch in value]
    return whole("validation_freq", value, 1)
