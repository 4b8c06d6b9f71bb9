"""Records what the legacy Kerases do with the programs, by hand and once.

Each system needs a Python that its TensorFlow was built for, for instance pyenv's:

    python tests/train/record_traces.py tf.keras-2.15 --python python3.11
    python tests/train/record_traces.py tf.keras-2.4 --python python3.8
    python tests/train/record_traces.py keras-2.3.1 --python python3.7
    python tests/train/record_traces.py --differences

The environment is made in `--folder`, else in a temporary folder, from the packages of
`SYSTEMS`; one that is there already is used as it is. Each program runs in a process of
its own that is ended after `--limit-s` seconds, and is then a trace that says "hung".
The traces go to `traces/SYSTEM.json`; `--differences` prints a Markdown table of the
programs with which the recorded systems do different things.

What the threads of legacy enqueuers do beside the training depends on timing. So a
recording waits at the end of each epoch, and at each batch of an evaluation, until they
have done all that they do; in a training that is not over in milliseconds they have
as well. Where that is not enough, `--again` compares a further recording with the one
that is there: fields that came out otherwise then say "varies".
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.train.programs import PROGRAMS, Program  # noqa: E402

TRACES = Path(__file__).with_name("traces")

SYSTEMS = {
    "keras-2.3.1": [
        "keras==2.3.1",
        "tensorflow==1.15.5",
        "h5py<3",
        "protobuf<3.21",
        "numpy<1.19",
    ],
    "tf.keras-2.4": ["tensorflow==2.4.4", "numpy==1.19.5", "protobuf<3.21"],
    "tf.keras-2.15": ["tensorflow==2.15.1", "keras==2.15.0"],
}

COMPARED = (
    "outcome",
    "trained",
    "validated",
    "callbacks",
    "hooks",
    "validation_hooks",
    "history",
    "result",
)
"""Fields of the table of differences."""

VARIES = "varies"

PAUSE_S = 0.5
"""Enqueuers look each 0.1 s whether a pass is over."""


def read_traces(system: str) -> dict:
    return json.loads((TRACES / (system + ".json")).read_text())


def write_traces(system: str, about: dict, programs: dict) -> None:
    """A line for each field, in an order of their own."""
    lines = ['"about": ' + json.dumps(about, sort_keys=True)]
    for name, trace in programs.items():
        fields = [f"  {json.dumps(k)}: {json.dumps(trace[k])}" for k in sorted(trace)]
        lines.append(json.dumps(name) + ": {\n" + ",\n".join(fields) + "\n}")
    TRACES.mkdir(exist_ok=True)
    (TRACES / (system + ".json")).write_text("{\n" + ",\n".join(lines) + "\n}\n")


def run_one(name: str, path: str) -> None:
    """In the legacy environment: runs a program and writes its trace."""
    import tensorflow as tf

    from tests.train.program_run import build_model, run
    from tests.train.program_sources import Batches

    try:
        import keras
    except ModuleNotFoundError:  # TensorFlow 2.4 brings its own
        keras = tf.keras
    (program,) = (program for program in PROGRAMS if program.name == name)
    model = build_model(keras, tf, program.nesting)
    sequence_class = type("Sequence", (Batches, keras.utils.Sequence), {})
    # TensorFlow 1.15 refers to its session from the main thread only, whose state goes
    # when another thread forks: each worker of Keras 2.3 then hangs in closing it.
    session = keras.backend.get_session() if tf.__version__.startswith("1.") else None
    call = getattr(model, program.call)
    trace = run(program, keras, model, call, sequence_class, PAUSE_S)
    about = {
        "keras": keras.__version__,
        "python": "{}.{}".format(*sys.version_info),
        "tensorflow": tf.__version__,
    }
    Path(path).write_text(json.dumps([about, trace]))
    del session
    os._exit(0)  # threads and processes of legacy enqueuers may be left


def record(system: str, python: Path, limit_s: float, names: list, again: bool) -> None:
    """Runs the programs, all or those that are named, and writes the traces."""
    about: dict = {}
    done: dict = {}
    if names or again:
        done = read_traces(system)
        about = done.pop("about")
    for program in PROGRAMS:
        if names and program.name not in names:
            continue
        print(program.name, file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory() as folder:
            heard, trace = _trace_of(program, python, Path(folder), limit_s)
        about = heard or about
        done[program.name] = merged(done[program.name], trace) if again else trace
    order = [program.name for program in PROGRAMS if program.name in done]
    write_traces(system, about, {name: done[name] for name in order})


def merged(one: dict, other: dict) -> dict:
    """The trace of two recordings."""
    fields = dict(one, **other)
    for field in fields:
        if one.get(field) != other.get(field):
            fields[field] = VARIES
    return fields


def _trace_of(program: Program, python: Path, folder: Path, limit_s: float) -> Any:
    path = folder / "trace.json"
    environment = dict(os.environ, PYTHONPATH=str(ROOT), TMPDIR=str(folder))
    environment.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="")
    with (folder / "output.txt").open("w") as output:
        process = subprocess.Popen(
            [str(python), __file__, "--program", program.name, "--path", str(path)],
            env=environment,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        try:
            status = process.wait(limit_s)
        except subprocess.TimeoutExpired:
            return None, {"outcome": "hung"}
        finally:
            # Its workers are in the same group.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    if not path.exists():
        print((folder / "output.txt").read_text()[-3000:], file=sys.stderr)
        return None, {"outcome": f"died with status {status}"}
    return json.loads(path.read_text())


def environment_of(system: str, python: str, folder: Path) -> Path:
    """The interpreter of an environment with the system's packages."""
    interpreter = folder / "bin" / "python"
    if not interpreter.exists():
        subprocess.run([python, "-m", "venv", str(folder)], check=True)
        install = [str(interpreter), "-m", "pip", "install", "-q"]
        subprocess.run([*install, "-U", "pip"], check=True)
        subprocess.run([*install, *SYSTEMS[system]], check=True)
    return interpreter


def differences() -> list:
    """The lines of a Markdown table of what the recorded systems do differently."""
    from tests.train.trace_differences import first_of  # not for Python 3.7

    traces = {system: read_traces(system) for system in SYSTEMS}
    lines = ["| program | field | " + " | ".join(SYSTEMS) + " |", "|---" * 5 + "|"]
    for program in PROGRAMS:
        own = [traces[system][program.name] for system in SYSTEMS]
        differing = {
            field
            for field in COMPARED
            if len({json.dumps(rounded(trace.get(field))) for trace in own}) > 1
        }
        for field in sorted(first_of(differing), key=COMPARED.index):
            cells = [json.dumps(rounded(trace.get(field))) for trace in own]
            lines.append(f"| {program.name} | {field} | " + " | ".join(cells) + " |")
    return lines


def rounded(value: Any) -> Any:
    """The value with 3 decimals, for eyes and for equality."""
    if isinstance(value, dict):
        return {key: rounded(part) for key, part in value.items()}
    if isinstance(value, list):
        return [rounded(part) for part in value]
    return round(value, 3) if isinstance(value, float) else value


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("system", nargs="?", choices=list(SYSTEMS))
    parser.add_argument("--python", help="that the environment is made with")
    parser.add_argument("--folder", help="of the environment")
    parser.add_argument("--only", nargs="*", default=[], help="these programs")
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--limit-s", type=float, default=90)
    parser.add_argument("--differences", action="store_true")
    parser.add_argument("--program", help=argparse.SUPPRESS)
    parser.add_argument("--path", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.program:
        run_one(given.program, given.path)
    elif given.differences:
        print("\n".join(differences()))
    elif given.system:
        with tempfile.TemporaryDirectory() as folder:
            place = Path(given.folder or folder)
            python = environment_of(given.system, given.python, place)
            record(given.system, python, given.limit_s, given.only, given.again)
    else:
        parser.error("name a system, or ask for --differences")


if __name__ == "__main__":
    main()
