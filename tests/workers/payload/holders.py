"""Everything that legacy objects hold, and what a batch makes of it."""

from __future__ import annotations

import bz2
import collections
import functools
import gzip
import hashlib
import importlib.util
import io
import logging
import lzma
import queue
import random
import sqlite3
import sys
import tarfile
import tempfile
import threading
import types
import weakref
import zipfile
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from multiprocessing.pool import ThreadPool
from pathlib import Path
from typing import Any, Callable, NamedTuple

import numpy as np

try:
    from PIL import Image
except ImportError:  # then there are fewer kinds
    Image = None

NUM_BATCHES = 4


class Kind(NamedTuple):
    """Something to hold.

    Attributes:
        make: Makes it, with a folder for its files.
        read: What batch `index` has of it.
    """

    make: Callable[[Path], Any]
    read: Callable[[Any, int], Any]


class Holder:
    """A legacy class that holds one thing, or several."""

    def __init__(self, folder: Path, *kinds: Kind) -> None:
        self.held = [kind.make(folder) for kind in kinds]
        self.read = [kind.read for kind in kinds]

    def __len__(self) -> int:
        return NUM_BATCHES

    def __getitem__(self, index: int) -> Any:
        pairs = zip(self.held, self.read)
        return tuple(np.asarray(read(held, index)) for held, read in pairs)


def as_bytes(text: str) -> np.ndarray:
    return np.frombuffer(text.encode(), np.uint8)


# Locks


def lock_and_release(lock: Any, index: int) -> Any:
    is_taken = lock.acquire(False)
    lock.release()
    return is_taken, index


def count_permits(semaphore: Any, _: int) -> int:
    permits = 0
    while permits < 9 and semaphore.acquire(blocking=False):
        permits += 1
    for _ in range(permits):
        semaphore.release()
    return permits


def set_event(_: Path) -> threading.Event:
    event = threading.Event()
    event.set()
    return event


def notify(condition: Any, index: int) -> int:
    with condition:
        condition.notify_all()
    return index


def remember(local: Any, index: int) -> Any:
    before = getattr(local, "index", -1)
    local.index = index
    return before, index


def filled(kind: Any) -> Callable[[Path], Any]:
    def make(_: Path) -> Any:
        made = kind()
        for item in range(NUM_BATCHES):
            made.put(item)
        return made

    return make


def put_and_get(simple: Any, index: int) -> int:
    simple.put(index)
    return int(simple.get(timeout=5))


def done_future(_: Path) -> Any:
    future: Any = Future()
    future.set_result(7)
    return future


def squares_by(pool: Any, index: int) -> list[int]:
    return list(pool.map(functools.partial(pow, index), range(5)))


# Files

LINES = [f"line {index}: \u00e4\u00f6\u00fc\n" for index in range(6)]


def written(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


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


# Arrays


def numbers(folder: Path) -> Path:
    path = folder / "numbers.npy"
    np.save(path, np.arange(400, dtype=np.int32).reshape(20, 20))
    return path


def mapped(mode: Any, *places: Any, plain: bool = False) -> Callable[[Path], Any]:
    """A part of a mapped file."""

    def make(folder: Path) -> Any:
        array = np.load(numbers(folder), mmap_mode=mode)
        if plain:
            array = np.asarray(array)
        for place in places:
            array = array[place]
        return array

    return make


def far_into_a_file(folder: Path) -> Any:
    path = folder / "far.raw"
    np.arange(20_000, dtype=np.int16).tofile(path)
    return np.memmap(path, np.int16, "r", 10_000, (5, 1000))[2:]


def copy_of(array: Any, index: int) -> np.ndarray:
    return array + index


def changed_map(folder: Path) -> Any:
    array = np.load(numbers(folder), mmap_mode="c")
    array[3, 3] = -5
    return array


def draw_from(generator: Any, _: int) -> np.ndarray:
    return generator.random(3) if hasattr(generator, "random") else generator.rand(3)


def draw(function: Any, _: int) -> Any:
    return function(0, 1000)


def draw_size(function: Any, _: int) -> Any:
    return function(3)


# References and code


class Tree:
    """Refers back to who holds it."""

    def __init__(self, value: int, parent: Any = None) -> None:
        self.value = value
        self.parent = None if parent is None else weakref.ref(parent)
        self.children = [] if parent is not None else [Tree(5, self), Tree(6, self)]
        self.by_value = weakref.WeakValueDictionary(
            {child.value: child for child in self.children}
        )
        self.of = weakref.WeakKeyDictionary(
            {child: child.value * 2 for child in self.children}
        )
        self.proxies = [weakref.proxy(child) for child in self.children]
        self.add = weakref.WeakMethod(self.plus)

    def plus(self, index: int) -> int:
        return self.value + index


def climb(tree: Tree, index: int) -> Any:
    child = tree.children[1]
    assert child.parent() is tree
    assert tree.by_value[6] is child
    assert tree.proxies[1].parent() is tree
    return tree.of[child], child.add()(index), len(tree.of)


def counted(start: int, *more: int, step: int = 1, **named: int) -> Iterator[int]:
    while True:
        start += step + sum(more) + sum(named.values())
        yield start


def nested_generator(_: Path) -> Any:
    base = 100

    def run(length: int) -> Iterator[int]:
        for item in range(length):
            yield base + item

    return run(9)


def take(generator: Any, _: int) -> int:
    return int(next(generator))


def closure(_: Path) -> Any:
    lock, table = threading.Lock(), {"factor": 3}

    def outer(index: int) -> int:
        def inner() -> int:
            with lock:
                return index * table["factor"]

        return inner()

    return outer


def call(function: Any, index: int) -> Any:
    return function(index)


SCRIPT = """
import enum, collections, threading
from random import randrange
LOCK = threading.Lock()
class Color(enum.Enum):
    RED = 5
Row = collections.namedtuple("Row", "x y")
class Base:
    scale = 10
    def __call__(self, index):
        with LOCK:
            return helper(index) + self.scale + Color.RED.value + self.row.y
class Derived(Base):
    def __init__(self):
        super().__init__()
        self.row = Row(1, 2)
    def __call__(self, index):
        return super().__call__(index), randrange(1000)
def helper(index):
    return index * 1000
"""


def of_main(_: Path) -> Any:
    names: dict[str, Any] = {"__name__": "__main__"}
    exec(SCRIPT, names)
    return names["Derived"]()


def of_a_path(folder: Path) -> Any:
    """Of a module that no worker can import, though `sys.modules` has it."""
    path = written(folder, "loaded_by_path.py", SCRIPT.encode())
    spec = importlib.util.spec_from_file_location("loaded_by_path", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["loaded_by_path"] = module
    spec.loader.exec_module(module)
    return module.Derived()


def module_made_by_hand(_: Path) -> Any:
    module = types.ModuleType("made_by_hand")
    exec("def add(index): return index + offset\noffset = 70", module.__dict__)
    sys.modules["made_by_hand"] = module
    return module


def lambdas(_: Path) -> Any:
    return [lambda index, by=factor: index * by for factor in (2, 3)]


KINDS = {
    "lock": Kind(lambda _: threading.Lock(), lock_and_release),
    "rlock": Kind(lambda _: threading.RLock(), lock_and_release),
    "event": Kind(set_event, lambda event, _: event.is_set()),
    "condition": Kind(lambda _: threading.Condition(), notify),
    "semaphore": Kind(lambda _: threading.Semaphore(3), count_permits),
    "bounded_semaphore": Kind(lambda _: threading.BoundedSemaphore(3), count_permits),
    "barrier": Kind(lambda _: threading.Barrier(1), lambda b, _: b.wait(5)),
    "local": Kind(lambda _: threading.local(), remember),
    "queue": Kind(filled(queue.Queue), lambda q, _: q.get(timeout=5)),
    "lifo_queue": Kind(filled(queue.LifoQueue), lambda q, _: q.get(timeout=5)),
    "simple_queue": Kind(lambda _: queue.SimpleQueue(), put_and_get),
    "future": Kind(done_future, lambda future, _: future.result(5)),
    "executor": Kind(lambda _: ThreadPoolExecutor(2), squares_by),
    "thread_pool": Kind(lambda _: ThreadPool(2), squares_by),
    "logger": Kind(
        lambda _: logging.getLogger("tests.a"), lambda log, _: as_bytes(log.name)
    ),
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
    "map_r": Kind(mapped("r"), copy_of),
    "map_r+": Kind(mapped("r+"), copy_of),
    "map_c": Kind(mapped("c"), copy_of),
    "map_view": Kind(mapped("r", np.s_[5:, 3:9], np.s_[::-2, 1::2]), copy_of),
    "map_transposed": Kind(lambda folder: mapped("r")(folder).T[4:], copy_of),
    "map_plain": Kind(mapped("r", np.s_[7:9], plain=True), copy_of),
    "map_row": Kind(mapped("r+", 4), copy_of),
    "map_far": Kind(far_into_a_file, copy_of),
    "map_changed": Kind(changed_map, copy_of),
    "random_state": Kind(lambda _: np.random.RandomState(3), draw_from),
    "generator": Kind(lambda _: np.random.default_rng(3), draw_from),
    "random": Kind(lambda _: random.Random(3), lambda held, _: held.random()),
    "global_random": Kind(lambda _: random.randint, draw),
    "global_numpy": Kind(lambda _: np.random.randint, draw),
    "global_rand": Kind(lambda _: np.random.rand, draw_size),
    "weak_references": Kind(lambda _: Tree(1), climb),
    "module": Kind(lambda _: bz2, lambda held, _: as_bytes(held.__name__)),
    "module_by_hand": Kind(module_made_by_hand, lambda held, index: held.add(index)),
    "unbegun": Kind(lambda _: counted(1, 2, 3, step=4, extra=5), take),
    "unbegun_nested": Kind(nested_generator, take),
    "unbegun_expression": Kind(lambda _: (item * 3 for item in range(9)), take),
    "lambdas": Kind(lambdas, lambda held, index: [one(index) for one in held]),
    "closure": Kind(closure, call),
    "partial": Kind(lambda _: functools.partial(pow, 3), call),
    "method": Kind(lambda _: Tree(4).plus, call),
    "class_of_main": Kind(of_main, call),
    "class_of_a_path": Kind(of_a_path, call),
    "default_dict": Kind(
        lambda _: collections.defaultdict(lambda: 7, {1: 2}), lambda held, i: held[i]
    ),
}

if Image is None:
    for needs_pillow in ("picture", "unread_picture", "animation"):
        del KINDS[needs_pillow]
