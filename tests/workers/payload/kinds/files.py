"""Files, archives, databases and pictures."""

from __future__ import annotations

import bz2
import functools
import gzip
import hashlib
import io
import lzma
import sqlite3
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path
from typing import Any, Callable

import numpy as np

from tests.workers.payload.kinds.kind import NUM_BATCHES, Kind, as_bytes, written

try:
    from PIL import Image
except ImportError:  # then there are fewer kinds
    Image = None

LINES = [f"line {index}: \u00e4\u00f6\u00fc\n" for index in range(6)]


def opened(
    open_path: Callable[[Path], Any], pack: Callable[[bytes], bytes] = bytes
) -> Callable[[Path], Any]:
    """A file that stands at its second line."""

    def make(folder: Path) -> Any:
        packed = pack("".join(LINES).encode())
        name = hashlib.sha1(packed).hexdigest()  # several may share the folder
        file = open_path(written(folder, name, packed))
        file.readline()
        return file

    return make


def next_line(file: Any, _: int) -> np.ndarray:
    line = file.readline()
    return as_bytes(line if isinstance(line, str) else line.decode())


def closed_file(folder: Path) -> Any:
    with written(folder, "closed", b"text").open() as file:
        return file


def reopen(file: Any, _: int) -> np.ndarray:
    assert file.closed
    return as_bytes(Path(file.name).read_text())


def temporary_file(_: Path) -> Any:
    with tempfile.NamedTemporaryFile("w") as file:
        return file


def zip_file(folder: Path) -> Any:
    with zipfile.ZipFile(folder / "lines.zip", "w") as archive:
        for index in range(NUM_BATCHES):
            archive.writestr(str(index), LINES[index])
    return zipfile.ZipFile(folder / "lines.zip")


def tar_file(mode: str) -> Callable[[Path], Any]:
    def make(folder: Path) -> Any:
        name = f"lines.tar{mode}"
        with tarfile.open(folder / name, f"w:{mode}") as archive:
            for index in range(NUM_BATCHES):
                path = written(folder, str(index), LINES[index].encode())
                archive.add(path, path.name)
        return tarfile.open(folder / name, f"r:{mode}")

    return make


def read_member(archive: Any, index: int) -> np.ndarray:
    return as_bytes(archive.extractfile(str(index)).read().decode())


def database(folder: Path) -> Any:
    path = folder / "table.db"
    path.unlink(missing_ok=True)
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE pairs (x INTEGER, y TEXT)")
    rows = [(index, LINES[index]) for index in range(NUM_BATCHES)]
    connection.executemany("INSERT INTO pairs VALUES (?, ?)", rows)
    connection.commit()
    connection.row_factory = sqlite3.Row
    return connection


def query(connection: Any, index: int) -> np.ndarray:
    (row,) = connection.execute("SELECT y FROM pairs WHERE x = ?", [index])
    return as_bytes(row["y"])


def picture(folder: Path) -> Path:
    path = folder / "picture.png"
    pixels = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    Image.fromarray(pixels).save(path)
    return path


def loaded_picture(folder: Path) -> Any:
    with Image.open(picture(folder)) as image:
        image.load()
        return image


def animation(folder: Path) -> Any:
    frames = [Image.new("L", (4, 4), 9 * index) for index in range(NUM_BATCHES)]
    path = folder / "frames.tiff"
    frames[0].save(path, save_all=True, append_images=frames[1:])
    return Image.open(path)


def frame(image: Any, index: int) -> np.ndarray:
    image.seek(index)
    return np.array(image)


KINDS = {
    "text": Kind(opened(lambda path: path.open(encoding="utf-8")), next_line),
    "binary": Kind(opened(lambda path: path.open("rb")), next_line),
    "unbuffered": Kind(opened(lambda path: path.open("rb", 0)), next_line),
    "gzip": Kind(opened(gzip.open, gzip.compress), next_line),
    "gzip_text": Kind(
        opened(functools.partial(gzip.open, mode="rt"), gzip.compress),
        next_line,
    ),
    "bz2": Kind(opened(bz2.open, bz2.compress), next_line),
    "lzma": Kind(opened(lzma.open, lzma.compress), next_line),
    "bytes_io": Kind(lambda _: io.BytesIO(b"a\nb\nc\nd\n"), next_line),
    "text_io": Kind(lambda _: io.TextIOWrapper(io.BytesIO(b"a\nb\nc\nd\n")), next_line),
    "closed": Kind(closed_file, reopen),
    "temporary": Kind(temporary_file, lambda file, _: file.closed),
    "stderr": Kind(lambda _: sys.stderr, lambda stream, _: stream is sys.stderr),
    "zip": Kind(zip_file, lambda held, index: as_bytes(held.read(str(index)).decode())),
    "tar": Kind(tar_file(""), read_member),
    "tar_gz": Kind(tar_file("gz"), read_member),
    "sqlite": Kind(database, query),
    "picture": Kind(loaded_picture, lambda image, _: np.array(image)),
    "unread_picture": Kind(
        lambda folder: Image.open(picture(folder)), lambda image, _: np.array(image)
    ),
    "animation": Kind(animation, frame),
}

if Image is None:
    for needs_pillow in ("picture", "unread_picture", "animation"):
        del KINDS[needs_pillow]
