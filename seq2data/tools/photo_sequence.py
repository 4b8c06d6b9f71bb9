"""Reads JPEG files in batches like the Sequence of a Keras 2 tutorial.

The module does not use seq2data: it is an example of a class that a user already has.
It loads TensorFlow and Pillow, so `demo` imports it only when it runs.
"""

from __future__ import annotations

import math
import random

import numpy as np
import numpy.typing as npt
from PIL import Image
from tensorflow import keras

SIDE = 224  # the side of the square images that ImageNet models read

Batch = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]


class PhotoSequence(keras.utils.Sequence):  # type: ignore[misc]  # Keras has no types
    """Batches of resized, randomly flipped photographs and their labels."""

    def __init__(self, files: list[tuple[str, int]], batch_size: int) -> None:
        # Without super().__init__(), like legacy code: Keras 2 does not need it.
        self.files = list(files)
        self.batch_size = batch_size

    def __len__(self) -> int:
        return math.ceil(len(self.files) / self.batch_size)

    def __getitem__(self, index: int) -> Batch:
        rows = self.files[index * self.batch_size : (index + 1) * self.batch_size]
        images = np.stack([self._read(path) for path, _ in rows])
        return images, np.array([label for _, label in rows], np.float32)

    def on_epoch_end(self) -> None:
        random.shuffle(self.files)

    def _read(self, path: str) -> npt.NDArray[np.float32]:
        with Image.open(path) as photo:
            small = photo.convert("RGB").resize((SIDE, SIDE), Image.Resampling.LANCZOS)
        pixels: npt.NDArray[np.float32] = np.asarray(small, np.float32) / np.float32(
            255
        )
        return pixels[:, ::-1] if random.random() < 0.5 else pixels
