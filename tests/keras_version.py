"""Which Keras `tf.keras` is. Asked without importing one, which takes seconds."""

from __future__ import annotations

import os
from importlib.metadata import version

# With it, and `keras` is another, of which `tf.keras` knows nothing.
IS_TF_KERAS = os.environ.get("TF_USE_LEGACY_KERAS") == "1"

KERAS_VERSION = tuple(
    map(int, version("tf_keras" if IS_TF_KERAS else "keras").split(".")[:2])
)
IS_KERAS_3 = KERAS_VERSION >= (3,)
