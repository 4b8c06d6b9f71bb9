"""How much Python runs in the training process for one batch, once all is started?

    python benchmarks/bench_steady_batch.py [--batches 200] [--workers 2]

Counted are the calls of the library's own Python functions in all threads of the
training process, and the changes of file: pairs of successive calls whose functions are
in different files. Both are means over the batches in the middle of an epoch. `files`
are those with a call for at least every second batch. `all_calls` has the calls of
other Python code, too, such as the standard library's. A batch takes 5 ms to read, so
each batch is a task of its own.

The peers are `concurrent.futures.ProcessPoolExecutor` (its own code is in `concurrent`
and `multiprocessing`) and loky's executor, if it is installed. They hold as many tasks
as seq2data's queue. They make no tensors; seq2data's figures include its part of that.

`--list CONTESTANT` prints the calls for two batches in their order, and no figures.
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
import warnings
from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from importlib.util import find_spec
from itertools import groupby
from types import CodeType, FrameType
from typing import Any

import numpy as np
from measure import Figures, argument_parser, compete, print_results

_QUEUE = 10  # `max_queue_size`, the default
_SKIP = 50  # more than any queue holds, so that the start-up is over
_BATCH_S = 0.005
_HERE = __file__  # which is gone when threads end after the program

Calls = list[CodeType]
Batches = Callable[["Recorder", argparse.Namespace], Iterator[Any]]


class Rows:
    """A Sequence of batches of 256 kB; batch `index` is filled with its index."""

    def __init__(self, batches: int) -> None:
        self._batches = batches

    def __len__(self) -> int:
        return self._batches

    def __getitem__(self, index: int) -> np.ndarray:
        time.sleep(_BATCH_S)
        return np.full((64, 1024), index, np.float32)


class Recorder:
    """Records the calls of Python functions in all threads that start after it.

    It also records the thread that made it, and the functions that it has wrapped.
    """

    def __init__(self) -> None:
        self._calls: deque[CodeType] = deque()
        threading.setprofile(self._record)
        sys.setprofile(self._record)

    def take(self) -> Calls:
        """Removes and returns the calls since the last time, in their order."""
        return [self._calls.popleft() for _ in range(len(self._calls))]

    def wraps(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Returns the function for a thread that was not started by Python."""

        def recorded(*args: Any) -> Any:
            sys.setprofile(self._record)
            try:
                return function(*args)
            finally:
                sys.setprofile(None)

        return recorded

    def stop(self) -> None:
        """Lets this thread, and threads that start later, go unrecorded."""
        threading.setprofile(None)
        sys.setprofile(None)

    def _record(self, frame: FrameType, event: str, _: Any) -> None:
        if event == "call" and frame.f_code.co_filename != _HERE:
            self._calls.append(frame.f_code)


def seq2data_batches(recorder: Recorder, args: argparse.Namespace) -> Iterator[Any]:
    import tensorflow as tf

    import seq2data

    numpy_function = tf.numpy_function
    with warnings.catch_warnings():
        # seq2data warns that workers lack this replacement, which they do not need.
        warnings.simplefilter("ignore", RuntimeWarning)
        tf.numpy_function = lambda function, *rest: numpy_function(
            recorder.wraps(function), *rest
        )
        dataset = seq2data.to_dataset(_source(args), workers=args.workers)
    tf.numpy_function = numpy_function
    return iter(dataset)


def executor_batches(_: Recorder, args: argparse.Namespace) -> Iterator[Any]:
    return _in_executor(ProcessPoolExecutor(args.workers), args)


def loky_batches(_: Recorder, args: argparse.Namespace) -> Iterator[Any]:
    import loky

    return _in_executor(loky.ProcessPoolExecutor(args.workers), args)


def _in_executor(executor: Executor, args: argparse.Namespace) -> Iterator[Any]:
    source = _source(args)
    with executor:
        results = deque()
        for index in range(len(source)):
            results.append(executor.submit(source.__getitem__, index))
            if len(results) > _QUEUE + args.workers:
                yield results.popleft().result()
        while results:
            yield results.popleft().result()


def _source(args: argparse.Namespace) -> Rows:
    return Rows(_SKIP + args.batches + _QUEUE + 2 * args.workers)


_OWN_CODE = {
    "seq2data": ("/seq2data/",),
    "executor": ("/concurrent/futures/", "/multiprocessing/"),
    "loky": ("/loky/", "/concurrent/futures/", "/multiprocessing/"),
}
_BATCHES: dict[str, Batches] = {
    "seq2data": seq2data_batches,
    "executor": executor_batches,
    "loky": loky_batches,
}


def contestant(name: str) -> Callable[[argparse.Namespace], Figures]:
    return lambda args: _figures(_steady_calls(name, args), name, args.batches)


def _steady_calls(name: str, args: argparse.Namespace) -> Calls:
    """Returns the calls for `args.batches` batches in the middle of an epoch."""
    recorder = Recorder()
    first, last = _SKIP, _SKIP + args.batches
    for index, batch in enumerate(_BATCHES[name](recorder, args)):
        if not (np.asarray(batch) == index).all():
            raise ValueError(f"Batch {index} has wrong values.")
        if index == first - 1:
            recorder.take()
        if index == last - 1:
            calls = recorder.take()
    recorder.stop()
    return calls


def _figures(calls: Calls, name: str, batches: int) -> Figures:
    own = _files(_own(calls, name))
    return {
        "calls": len(own) / batches,
        "files": sum(count >= batches / 2 for count in Counter(own).values()),
        "changes": (len(list(groupby(own))) - 1) / batches,
        "all_calls": len(calls) / batches,
    }


def _own(calls: Calls, name: str) -> Calls:
    folders = _OWN_CODE[name]
    return [c for c in calls if any(folder in c.co_filename for folder in folders)]


def _files(calls: Calls) -> list[str]:
    return [call.co_filename for call in calls]


def _list(name: str, args: argparse.Namespace) -> None:
    """Prints the own calls for two batches, a line each time that the file changes."""
    args.batches = 2
    calls = _own(_steady_calls(name, args), name)
    for file, group in groupby(calls, lambda call: call.co_filename):
        names = [getattr(call, "co_qualname", call.co_name) for call in group]
        print(f"{'/'.join(file.split('/')[-3:])}: {', '.join(names)}")


def main() -> None:
    parser = argument_parser(__doc__, rounds=1)
    parser.add_argument("--batches", type=int, default=200)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--list", choices=_BATCHES, metavar="CONTESTANT")
    args = parser.parse_args()
    if args.list:
        _list(args.list, args)
        return
    contestants = {name: contestant(name) for name in _BATCHES}
    if find_spec("loky") is None:
        del contestants["loky"]
    results = compete(contestants, args, warm_up=False)
    print_results(results, workers=args.workers, batches=args.batches)


if __name__ == "__main__":
    main()
