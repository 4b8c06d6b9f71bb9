"""Images that Pillow has opened but not read yet: a worker opens them again.

Images in memory need no reducer.
"""

from __future__ import annotations

import io
from typing import Any, Optional

import wrapt

from seq2data.workers.payload.reducers.files import path_of
from seq2data.workers.payload.registry import Recipe, register


def _reduce(image: Any) -> Optional[Recipe]:
    raw = getattr(getattr(image, "fp", None), "raw", None)
    if not image.tile or type(raw) is not io.FileIO or raw.closed:
        return None
    is_drafted = bool(getattr(image, "decoderconfig", None))
    if is_drafted or not image._exclusive_fp:  # the user may have opened the file
        return None
    return _open, (path_of(raw), (image.format,), image.tell())


def _open(path: str, formats: tuple[str, ...], frame: int) -> Any:
    from PIL import Image

    image = Image.open(path, formats=formats)
    image.seek(frame)
    return image


def _register(image_file: Any) -> None:
    register(image_file.ImageFile, _reduce)


wrapt.register_post_import_hook(_register, "PIL.ImageFile")
