"""HDF5 files that h5py has open for reading: a worker opens them again."""

from __future__ import annotations

import operator
from typing import Any, Optional

import wrapt

from seq2data.workers.payload.registry import Recipe, register


def _reduce_file(value: Any) -> Optional[Recipe]:
    if not value:  # closed
        return None
    if value.mode != "r":
        raise TypeError(
            f"`{value.filename}` is open for writing: open it with mode 'r'"
        )
    return _open, (value.filename, value.driver)


def _reduce_member(value: Any) -> Optional[Recipe]:
    return (operator.getitem, (value.file, value.name)) if value else None


def _open(path: str, driver: str) -> Any:
    import h5py

    return h5py.File(path, "r", driver=driver)


def _register(h5py: Any) -> None:
    register(h5py.File, _reduce_file)
    register(h5py.Group, _reduce_member)
    register(h5py.Dataset, _reduce_member)


wrapt.register_post_import_hook(_register, "h5py")
