"""Writes a program: a script that makes a source, does its habits, and reads."""

from __future__ import annotations

import textwrap

from tests.chaos.batches import DESCRIBE, batches_text
from tests.chaos.choices import Choices
from tests.chaos.habits import AFTER, BEFORE, HABITS, MODULE, READ

EXIT_OF_LEAVING = 5

PREAMBLE = """\
import asyncio, atexit, collections, faulthandler, gc, hashlib, json, locale, os
import pathlib, queue, random, resource, signal, socket, subprocess, sys, tempfile
import threading, time, warnings

import numpy as np

# The watchdog sets these; they make the program one that runs by itself, too.
if "CHAOS_FOLDER" in os.environ:
    faulthandler.register(signal.SIGUSR1, file=2, all_threads=True)
else:
    os.environ["CHAOS_FOLDER"] = tempfile.mkdtemp()
FOLDER = os.environ["CHAOS_FOLDER"]
kept = []


def is_first():
    \"\"\"True once, in whichever process.\"\"\"
    try:
        flags = os.O_CREAT | os.O_EXCL
        os.close(os.open(os.path.join(FOLDER, "happened"), flags, 0o600))
    except FileExistsError:
        return False
    return True


def own(pid):
    \"\"\"Tells the watchdog that this process is the program's, not a leak.\"\"\"
    os.close(os.open(os.path.join(FOLDER, "own-%d" % pid), os.O_CREAT, 0o600))


def leave_shell():
    os.system("sleep 600 &")


def leave_executed():
    kept.append(subprocess.Popen(["sleep", "600"]))


def leave_fork():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of threads, by Python 3.12
        pid = os.fork()
    if pid == 0:
        while True:
            time.sleep(600)
    own(pid)


class Tee:
    def __init__(self, stream):
        self.stream = stream

    def write(self, text):
        return self.stream.write(text)

    def flush(self):
        self.stream.flush()


class WithLock(Exception):
    def __init__(self, text):
        super().__init__(text)
        self.lock = threading.Lock()


class TwoArguments(Exception):
    def __init__(self, first, second):
        super().__init__(first + second)


class Mute(Exception):
    def __str__(self):
        raise LookupError("no text")


class Unreduced(Exception):
    def __reduce__(self):
        raise LookupError("no reduction")


class Base(BaseException):
    pass


class Group(getattr(__import__("builtins"), "ExceptionGroup", Exception)):
    pass
"""

_SOURCES = {
    "sequence": """
class Source:
    def __len__(self):
        return NUM_BATCHES

    def __getitem__(self, index):
        return read(index)


def make_source():
    return Source()
""",
    "generator": """
def generate():
    for index in range(NUM_BATCHES):
        yield read(index)


def make_source():
    return generate
""",
    "list": """
def transform(sample):
    return read(int(sample[0]))


def make_source():
    return [np.array([index, 0.5]) for index in range(NUM_BATCHES)]
""",
}

_READ = """
NUM_BATCHES = {num_batches}
have_begun = []


def read(index):
    if not have_begun:
        have_begun.append(index)
{habits}
    if index == {at}:
        replaced = fault()
        if replaced is not None:
            return replaced
    return batch_of(index)
"""

_MAIN = """
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import tensorflow as tf

import seq2data

{source}

_report = os.open(
    os.environ.get("CHAOS_REPORT", "/dev/stderr"), os.O_WRONLY | os.O_APPEND
)


def tell(**facts):
    os.write(_report, (json.dumps(facts) + "\\n").encode())


{habits}


def make():
    return seq2data.to_dataset(make_source(), {options})


def consume():
{consumer}


began = time.monotonic()
{run}
tell(end=True)
"""

_CATCHING = """\
try:
    consume()
except Exception as error:
    text = str(error)
    if len(text) > 8000:
        text = text[:4000] + " ... " + text[-4000:]
    name, seconds = type(error).__name__, time.monotonic() - began
    tell(error=name, text=text.encode("ascii", "replace").decode(), seconds=seconds)"""

_EACH_PASS = "for number in range({epochs}):\n    for batch in {dataset}:\n        "
_TELL = "tell(number=number, batch=describe(batch))\n"
_CONSUMERS = {
    "loop": _EACH_PASS.format(epochs="EPOCHS", dataset="dataset") + _TELL,
    "prefetch": _EACH_PASS.format(epochs="EPOCHS", dataset="dataset.prefetch(2)")
    + _TELL,
    "take": _EACH_PASS.format(epochs="EPOCHS", dataset="dataset.take(STOP)") + _TELL,
    "break": """\
for number in range(EPOCHS):
    for count, batch in enumerate(dataset):
        if number == 0 and count == STOP:
            break
        tell(number=number, batch=describe(batch))
""",
    "leaves": """\
for number in range(EPOCHS):
    for count, batch in enumerate(dataset):
        if count == STOP:
            sys.exit(LEAVES)
        tell(number=number, batch=describe(batch))
""",
    "two iterators": """\
iterators = {number: iter(dataset) for number in range(2)}
while iterators:
    for number, iterator in list(iterators.items()):
        batch = next(iterator, None)
        if batch is None:
            del iterators[number]
        else:
            tell(number=number, batch=describe(batch))
""",
    "made again": """\
for number in range(EPOCHS):
    for batch in dataset:
        tell(number=number, batch=describe(batch))
    del batch, dataset
    gc.collect()
    dataset = make()
""",
    "thread": """\
errors = []

def run():
    try:
        for number in range(EPOCHS):
            for batch in dataset:
                tell(number=number, batch=describe(batch))
    except BaseException as error:
        errors.append(error)

thread = threading.Thread(target=run)
thread.start()
thread.join()
if errors:
    raise errors[0]
""",
    "fit": """\
from tensorflow import keras

class Recorder(keras.Model):
    def __init__(self):
        super().__init__()
        self.number = -1
        self.dense = keras.layers.Dense(1)

    def call(self, x, training=False):
        return self.dense(x)

    def train_step(self, data):
        tell(number=self.number, batch=describe(data))
        return {"loss": 0.0}

class Count(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        model.number = epoch

model = Recorder()
model.compile(optimizer="sgd", loss="mse", run_eagerly=True)
model(np.zeros(WIDTH, np.float32))
model.fit(dataset, epochs=EPOCHS, verbose=0, callbacks=[Count()])
""",
}


def text_of(choices: Choices) -> str:
    """The program, as a script that runs by itself."""
    source = _source_text(choices)
    if choices.in_module:
        source = _MODULE.format(text=PREAMBLE + source)
    names = [name for place, name in choices.habits if place in (BEFORE, AFTER)]
    consumer = "\n".join(
        [
            f"EPOCHS, STOP, LEAVES = {choices.epochs}, {choices.stop}, "
            f"{EXIT_OF_LEAVING}",
            f"WIDTH = {_width(choices)}",
            "dataset = make()",
            "tell(made=True)",
            *_calls(choices, AFTER),
            _CONSUMERS[choices.consumer],
        ]
    )
    main = _MAIN.format(
        source=source,
        habits=_functions(names) + "\n" + "\n".join(_calls(choices, BEFORE)),
        options=_options(choices),
        consumer=textwrap.indent(consumer, "    "),
        run=_CATCHING if choices.catches else "consume()",
    )
    about = f'"""Program {choices.seed} of tests/chaos."""\n'
    method = f'os.environ["SEQ2DATA_START_METHOD"] = "{choices.start_method}"\n'
    return about + PREAMBLE + DESCRIBE + method + main


_MODULE = """
with open(os.path.join(FOLDER, "chaos_source.py"), "w") as file:
    file.write({text!r})
sys.path.insert(0, FOLDER)
import chaos_source
from chaos_source import *
"""


def _source_text(choices: Choices) -> str:
    fault = choices.the_fault
    text = fault.text if fault else "pass"
    in_module = [name for place, name in choices.habits if place in (MODULE, READ)]
    read = _READ.format(
        num_batches=choices.num_batches,
        habits="\n".join(f"        {call}" for call in _calls(choices, READ)),
        at=choices.at if fault else -1,
    )
    return "\n".join(
        [
            batches_text(
                *(choices.structure, choices.size, choices.dtype),
                *(choices.layout, choices.offset),
            ),
            _functions(in_module),
            f"def fault():\n{textwrap.indent(text, '    ')}\n",
            read,
            _SOURCES[choices.source],
            *_calls(choices, MODULE),
        ]
    )


def _width(choices: Choices) -> str:
    """The shape of x, for a model."""
    from tests.chaos.batches import SIZES

    return repr(SIZES[choices.size])


def _options(choices: Choices) -> str:
    options = {
        "workers": choices.workers,
        "use_multiprocessing": choices.processes,
        "max_queue_size": choices.max_queue_size,
        "shuffle": choices.shuffle,
        "seed": choices.dataset_seed,
        "timeout": choices.timeout,
    }
    listed = [f"{name}={value!r}" for name, value in options.items()]
    if choices.source == "list":
        listed.append("transform=transform")
    return ", ".join(listed)


def _name(habit: str) -> str:
    return "habit_" + "".join(c if c.isalnum() else "_" for c in habit)


def _functions(habits: list[str]) -> str:
    return "\n\n".join(HABITS[name].function(_name(name)) for name in habits)


def _calls(choices: Choices, place: str) -> list[str]:
    return [f"{_name(name)}()" for where, name in choices.habits if where == place]
