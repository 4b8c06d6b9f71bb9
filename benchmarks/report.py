"""Runs the benchmarks, and writes their results into the pages.

    python benchmarks/report.py --run [NAME ...]   runs all benchmarks, or those named
    python benchmarks/report.py                    writes the pages again

Further options, such as `--rounds 1`, go to each benchmark that is run.

The JSON lines of the last run of each benchmark are kept in `benchmarks/results.jsonl`.
Written are the results in `benchmarks/README.md`, the chart `benchmarks/speed.svg`, and
the table of speed in the `README.md` of the project. torch and Grain need the extra
`benchmark`, and more shared memory than the 64 MB of a container.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from chart import Bar, bar_chart

_HERE = Path(__file__).parent
_RESULTS = _HERE / "results.jsonl"
_PAGE, _README = _HERE / "README.md", _HERE.parent / "README.md"
_CHART = _HERE / "speed.svg"
_BEGIN, _END = "<!-- written by report.py -->", "<!-- end -->"
_ARGUMENTS = {
    "overhead": ["--peer-batches", "2000"],
    "payload": ["--gigabytes", "1"],
    "chaos": ["--seconds", "60", "--faults", "500"],
}
_ABOUT_RUN = {"benchmark", "row", "versions", "cpu", "cores", "load", "rounds"}

Line = dict[str, Any]


class Peer(NamedTuple):
    """A column of the table of speed: its distribution, its contestants' names."""

    distribution: str
    transport: str
    epochs: str
    payload: str | None

    def contestant(self, question: Question) -> str | None:
        if question.benchmark == "overhead":
            return self.transport
        name = getattr(self, question.benchmark)
        return name and name + question.suffix


class Question(NamedTuple):
    """A row of the table of speed: a figure of a benchmark, and how it is shown."""

    text: str
    unit: str
    benchmark: str
    figure: str
    suffix: str = ""


_QUESTIONS = (
    Question("a 19 MB batch, from worker to tensor", "ms", "transport", "ms_per_batch"),
    Question("a batch of 8 numbers", "µs", "overhead", "warm_us_per_batch"),
    Question("from epoch to epoch, 19 MB batches", "ms", "epochs", "gap_ms", "_19mb"),
    Question("from epoch to epoch, 8 numbers", "ms", "epochs", "gap_ms", "_tiny"),
    Question(
        "first batch, 1 GB in the Sequence, 8 workers", "s", "payload", "first_batch_s"
    ),
)
# The contestants of each benchmark, and the distribution whose version is shown.
_PEERS = {
    "seq2data": Peer("", "seq2data_processes", "seq2data_direct", "seq2data"),
    "Keras": Peer("keras", "keras_processes", "keras_processes_direct", "keras_fork"),
    "torch": Peer("torch", "torch_processes", "torch_processes_direct", "torch_fork"),
    "Grain": Peer("grain", "grain_processes", "grain_processes_direct", None),
}


def names() -> list[str]:
    """Returns the names of all benchmarks."""
    return [path.stem.removeprefix("bench_") for path in sorted(_HERE.glob("bench_*"))]


def run(name: str, options: list[str]) -> list[Line]:
    """Runs a benchmark and returns its JSON lines."""
    options = [*_ARGUMENTS.get(name, []), *options]
    command = [sys.executable, f"{_HERE}/bench_{name}.py", *options]
    print("+", *command, file=sys.stderr)
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def read_results() -> list[Line]:
    if not _RESULTS.exists():
        return []
    return [json.loads(line) for line in _RESULTS.read_text().splitlines()]


def write_results(lines: Iterable[Line]) -> None:
    ordered = sorted(lines, key=lambda line: line["benchmark"])
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in ordered)
    _RESULTS.write_text(text, encoding="utf-8")


def replace_written(page: Path, text: str) -> None:
    """Puts a text between the marks of a page."""
    before, begin, rest = page.read_text(encoding="utf-8").partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not begin or not end:
        raise SystemExit(f"{page} has no {_BEGIN} ... {_END}")
    page.write_text(f"{before}{_BEGIN}\n{text}{_END}{after}", encoding="utf-8")


def results_page(lines: list[Line]) -> str:
    """Returns one section for each benchmark: the machine, then its rows."""
    sections = []
    for name, group in groupby(lines, lambda line: line["benchmark"]):
        rows = list(group)
        plain = [row for row in rows if "ratio" not in row]
        ratios = [row for row in rows if "ratio" in row]
        tables = [_table(part) for part in (plain, ratios) if part]
        sections.append("\n".join([f"### {name}\n", _machine(rows[0]), *tables]))
    return "\n".join(sections)


def speed_table(lines: list[Line]) -> str:
    """Returns the table of the README: a few figures, beside those of the peers."""
    headings = [_heading(lines, name) for name in _PEERS]
    text = f"| | {' | '.join(headings)} |\n|---|{'---:|' * len(headings)}\n"
    for question in _QUESTIONS:
        figures = [_figure(lines, peer, question) for peer in _PEERS.values()]
        cells = [_cell(figure, question) for figure in figures]
        text += f"| {question.text} | {' | '.join(cells)} |\n"
    shown = {question.benchmark for question in _QUESTIONS}
    loads = [line["load"] for line in lines if line["benchmark"] in shown]
    return f"{text}\n{lines[0]['cpu']}; load average up to {max(loads):.1f}.\n"


def speed_chart(lines: list[Line]) -> str:
    question = _QUESTIONS[0]
    bars = [
        Bar(_heading(lines, name), figure)
        for name, peer in _PEERS.items()
        if (figure := _figure(lines, peer, question)) is not None
    ]
    return bar_chart(f"{question.text} ({question.unit}, less is better)", bars)


def _figure(lines: list[Line], peer: Peer, question: Question) -> float | None:
    row = question.benchmark, peer.contestant(question)
    for line in lines:
        if (line["benchmark"], line["row"]) == row:
            return line.get(question.figure)
    return None


def _heading(lines: list[Line], name: str) -> str:
    distribution = _PEERS[name].distribution
    # Benchmarks without torch may have run where there is none.
    version = max(line["versions"].get(distribution, "") for line in lines)
    return f"{name} {version.partition('+')[0]}".strip()


def _cell(figure: float | None, question: Question) -> str:
    return "-" if figure is None else f"{_short(figure)} {question.unit}"


def _short(value: Any) -> str:
    """Returns a number with three digits, and everything else as it is."""
    if isinstance(value, float):
        return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return str(value)


def _machine(line: Line) -> str:
    versions = ", ".join(f"{name} {v}" for name, v in line["versions"].items())
    return f"{line['cores']} cores, {line['cpu']}, load {line['load']}; {versions}.\n"


def _table(rows: list[Line]) -> str:
    columns = list(dict.fromkeys(key for row in rows for key in row))
    columns = [key for key in columns if key not in _ABOUT_RUN]
    text = f"| | {' | '.join(columns)} |\n|---|{'---:|' * len(columns)}\n"
    for row in rows:
        cells = [_short(row.get(key, "")) for key in columns]
        text += f"| {row['row']} | {' | '.join(cells)} |\n"
    return text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", nargs="*", choices=[[], *names()], metavar="NAME")
    args, options = parser.parse_known_args()
    if args.run is not None:
        for name in args.run or names():
            fresh = run(name, options)
            kept = [line for line in read_results() if line["benchmark"] != name]
            write_results([*kept, *fresh])
    lines = read_results()
    replace_written(_PAGE, results_page(lines))
    replace_written(_README, speed_table(lines))
    _CHART.write_text(speed_chart(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
