"""Turns numbers of steps and epochs into ints: old scripts pass `np.ceil(n / size)`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Optional

from seq2data.options import whole

# The least value of each argument of `fit` that counts epochs.
_EPOCHS = {"epochs": 0, "initial_epoch": 0}


def count_of_steps(name: str, value: Any) -> Optional[int]:
    """Returns a number of steps as an int; None stays None.

    A part of a step, as in `n / batch_size`, counts as a step: Keras 2 continues while
    `steps_done < steps`.

    Raises:
        TypeError: The value is not a number.
        ValueError: The value is not above 0.
    """
    return None if value is None else whole(name, value, 1, rounds_up=True)


def whole_epochs(arguments: dict[str, Any]) -> dict[str, Any]:
    """Returns the arguments of `fit` with ints where they count epochs.

    Raises:
        TypeError: A number is not whole.
        ValueError: A number is too small.
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
    """Returns a number of epochs, or a list, the only container that Keras 3 takes."""
    if isinstance(value, Iterable) and getattr(value, "ndim", None) != 0:
        return [whole("validation_freq", epoch, 0) for epoch in value]
    return whole("validation_freq", value, 1)
