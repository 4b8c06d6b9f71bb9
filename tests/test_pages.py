"""What the pages say of files, commands and code is so."""

from __future__ import annotations

import re
import shlex
from configparser import ConfigParser
from pathlib import Path

import pytest

import seq2data

ROOT = Path(__file__).resolve().parents[1]
PAGES = [
    "README.md",
    "seq2data/README.md",
    "benchmarks/README.md",
    "tests/deadlocks/README.md",
    "tests/train/README.md",
    ".docs/index.md",
    ".docs/limits.md",
    ".docs/old_scripts.md",
    ".github/CONTRIBUTING.md",
]
FOLDERS = "seq2data", "tests", "benchmarks", ".docs", ".github", ".ci"
README = (ROOT / "README.md").read_text(encoding="utf-8")

pytestmark = pytest.mark.skipif(
    not (ROOT / ".github").exists(), reason="a tree without its hidden folders"
)


def text_of(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def named_paths(text: str) -> list[str]:
    """The words in backticks that are paths of this project."""
    words = re.findall(r"`([\w./]+)`", text)
    return [word for word in words if word.split("/")[0] in FOLDERS and "/" in word]


def link_targets(text: str) -> list[str]:
    targets = re.findall(r"\]\(([^)#]+)", text)
    return [target for target in targets if "://" not in target]


@pytest.mark.parametrize("page", PAGES)
def test_each_path_that_a_page_names_exists(page: str) -> None:
    missing = [
        path for path in named_paths(text_of(page)) if not (ROOT / path).exists()
    ]
    assert not missing


@pytest.mark.parametrize("page", PAGES)
def test_each_link_of_a_page_leads_to_a_file(page: str) -> None:
    folder = (ROOT / page).parent
    missing = [to for to in link_targets(text_of(page)) if not (folder / to).exists()]
    assert not missing


def test_missing_path_and_link_are_found() -> None:
    assert named_paths("`seq2data/gone.py` and `model.fit` and `a/b`") == [
        "seq2data/gone.py"
    ]
    assert link_targets("[a](gone.md#part) and [b](https://example.org)") == ["gone.md"]


def test_readme_is_short_enough_to_be_read_to_the_end() -> None:
    assert len(README.splitlines()) <= 150


def test_page_of_the_architecture_names_at_most_four_files_to_read() -> None:
    rows = section(text_of("seq2data/README.md"), "## To add something")
    cells = [row.split("|")[2] for row in rows if row.startswith("| a ")]
    assert len(cells) >= 6
    assert all(1 <= len(named_paths(cell)) <= 4 for cell in cells)


def section(text: str, heading: str) -> list[str]:
    """The lines between a heading and the next one."""
    lines = text.splitlines()
    start = lines.index(heading) + 1
    rest = (i for i in range(start, len(lines)) if lines[i].startswith("## "))
    return lines[start : next(rest, len(lines))]


def typed_commands() -> list[list[str]]:
    """The `seq2data` commands that the README and the pages tell users to type."""
    name = r"seq2data (?:run|demo|deadlocks)"
    found = []
    for page in ["README.md", ".docs/old_scripts.md", ".github/ISSUE_TEMPLATE/bug.md"]:
        for groups in re.findall(
            rf"^({name}.*)$|`({name} [^`]*)`", text_of(page), re.M
        ):
            found.append(shlex.split("".join(groups))[1:])
    return found


def test_commands_that_the_pages_name_have_these_arguments() -> None:
    from seq2data.tools import cli

    commands = typed_commands()
    assert {command[0] for command in commands} == {"run", "deadlocks"}
    for command in commands:
        cli._parser().parse_args(command)


MESSAGES = """
'Functional' object has no attribute 'fit_generator'
unexpected keyword argument 'workers'
super().__init__(**kwargs)
may duplicate your data
ran out of data
"""


@pytest.mark.parametrize("message", MESSAGES.strip().splitlines())
def test_readme_has_the_message_that_brings_people_here(message: str) -> None:
    assert message in README


def pins(section: str, option: str) -> set[str]:
    setup = ConfigParser(interpolation=None)
    setup.read(ROOT / "setup.cfg")
    return {line for line in setup[section][option].splitlines() if "==" in line}


@pytest.mark.parametrize(("environment", "extra"), [("lint", "lint"), ("docs", "docs")])
def test_tox_has_the_versions_of_the_extra(environment: str, extra: str) -> None:
    in_tox = pins(f"testenv:{environment}", "deps")
    assert in_tox
    assert in_tox <= pins("options.extras_require", extra)


def named_classes(text: str) -> set[str]:
    """The names of classes in the drawing of the page."""
    drawing = re.findall(r"^```\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    return set(re.findall(r"\b(?:[A-Z][a-z]+){2,}\b", "\n".join(drawing)))


def defined_classes() -> set[str]:
    code = "\n".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "seq2data").rglob("*.py")
    )
    return set(re.findall(r"^class (\w+)", code, re.MULTILINE))


def test_each_class_in_the_drawing_of_the_architecture_exists() -> None:
    names = named_classes(text_of("seq2data/README.md")) - {"TensorFlow"}
    assert len(names) >= 10
    assert names <= defined_classes()


def test_each_public_name_is_in_the_api_reference() -> None:
    named = set(re.findall(r"^::: seq2data\.(\w+)$", text_of(".docs/api.md"), re.M))
    assert named == set(seq2data.__all__) - {"__version__"}
