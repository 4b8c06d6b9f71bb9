"""Which Keras `tf.keras` is. Asked without importing one, which takes seconds."""

from __future__ import annotations

import os
from importlib.metadata import version

# With this in the environment `keras` is Keras 3, and `tf.keras` is not.
_PACKAGE = "tf_keras" if os.environ.get("TF_USE_LEGACY_KERAS") == "1" else "keras"

KERAS_VERSION = tuple(map(int, version(_PACKAGE).split(".")[:2]))
IS_KERAS_3 = KERAS_VERSION >= (3,)
