"""Writes a program: a script that makes a source, does its habits, and reads."""

from __future__ import annotations

import textwrap

from tests.chaos.batches import DESCRIBE, SIZES, batches_text
from tests.chaos.choices import Choices
from tests.chaos.consumers import CONSUMERS
from tests.chaos.habits import AFTER, BEFORE, HABITS, MODULE, READ
from tests.chaos.preamble import PREAMBLE

EXIT_OF_LEAVING = 5

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


def text_of(choices: Choices) -> str:
    """The program, as a script that runs by itself."""
    source = _source_text(choices)
    owner = ""
    if choices.in_module:
        source = _MODULE.format(text=PREAMBLE + source)
        owner = "chaos_source."
    source += f"\n{owner}EXTRA = {choices.extra}\n"
    names = [name for place, name in choices.habits if place in (BEFORE, AFTER)]
    consumer = "\n".join(
        [
            f"EPOCHS, STOP, LEAVES = {choices.epochs}, {choices.stop}, "
            f"{EXIT_OF_LEAVING}",
            f"WIDTH = {_width(choices)}",
            "dataset = make()",
            "tell(made=True)",
            *_calls(choices, AFTER),
            CONSUMERS[choices.consumer],
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
