from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

pytestmark = pytest.mark.skipif(
    not (ROOT / ".ci" / "run").exists(), reason="a tree without its .ci folder"
)


@pytest.fixture
def checkout(tmp_path):
    shutil.copytree(ROOT / ".ci", tmp_path / ".ci")
    shutil.copy(ROOT / "README.md", tmp_path)
    return tmp_path


def list_commands(checkout: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(checkout / ".ci" / "run"), "--list"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_commands_are_the_two_lines_of_the_readme(checkout):
    done = list_commands(checkout)
    assert done.returncode == 0, done.stderr
    commands = done.stdout.splitlines()
    readme = (checkout / "README.md").read_text(encoding="utf-8")
    for command in commands:
        assert f"```sh\n{command}\n```" in readme
    demo, tests = commands
    assert demo.endswith("seq2data demo")
    assert tests.endswith("-m pytest -n 2")


def test_changed_readme_changes_the_commands(checkout):
    readme = checkout / "README.md"
    text = readme.read_text(encoding="utf-8")
    readme.write_text(text.replace("seq2data demo", "seq2data demo --crops 64"))
    assert "demo --crops 64" in list_commands(checkout).stdout


@pytest.mark.parametrize("change", ["-m pytest -n 2\n", "## Try it"])
def test_readme_without_exactly_two_commands_is_refused(change, checkout):
    readme = checkout / "README.md"
    text = readme.read_text(encoding="utf-8")
    assert change in text
    readme.write_text(text.replace(change, change.strip() + " it\necho third\n"))
    done = list_commands(checkout)
    assert done.returncode != 0
    assert "README.md" in done.stderr
