"""Tells Keras 3 from Keras 2, for an imported module and for a model."""

from __future__ import annotations

import sys
from typing import Any


def is_keras_3(root: str) -> bool:
    """True if the module of this name was imported and is Keras 3."""
    version = str(getattr(sys.modules.get(root), "__version__", ""))
    return version.startswith("3.")


def is_of_keras_3(model: Any) -> bool:
    """True if it is a model of Keras 3."""
    roots = {base.__module__.partition(".")[0] for base in type(model).__mro__}
    return "keras" in roots and is_keras_3("keras")
