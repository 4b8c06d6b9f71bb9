from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import types

import pytest

from seq2data.errors import SourceError
from seq2data.tools import cli, deadlocks

# Not `importorskip`: only the programs load it, which takes long enough.
pytestmark = [
    pytest.mark.tensorflow,
    pytest.mark.skipif(
        importlib.util.find_spec("tensorflow") is None, reason="needs TensorFlow"
    ),
]

SOURCES = """
import os, random, sys, threading
import numpy as np

class Healthy:
    def __init__(self):
        self.order = np.random.permutation(30)
    def __len__(self):
        return 10
    def __getitem__(self, index):
        rows = self.order[index * 3 : index * 3 + 3]
        return {"x": rows.astype(np.float32), "t": np.array(["a"] * 3)}, [rows]
    def on_epoch_end(self):
        np.random.shuffle(self.order)

class Augmented(Healthy):
    def __getitem__(self, index):
        return np.random.rand(3, 2)

class Hanging(Healthy):
    def __getitem__(self, index):
        if index == 4:
            threading.Event().wait()
        return super().__getitem__(index)

class Raising(Healthy):
    def __getitem__(self, index):
        return {}["no such patient"]

class TellsProcess(Healthy):
    def __init__(self):
        super().__init__()
        self.home = os.getpid()

class HangsInWorkers(TellsProcess):
    def __getitem__(self, index):
        if os.getpid() != self.home and index == 4:
            threading.Event().wait()
        return np.array([index])

class LeavesFiles(TellsProcess):
    def __getitem__(self, index):
        if os.getpid() != self.home:
            open(os.path.join(os.environ["TMPDIR"], f"scratch-{index}"), "w").close()
        return np.array([index])

class WithoutLength:
    def __getitem__(self, index):
        return np.zeros(2)

class NeedsFiles(Healthy):
    def __init__(self, files):
        self.files = files

def generator():
    yield np.zeros(2)

def fails():
    raise LookupError("no such folder")

instance, empty = Healthy(), []
"""


@pytest.fixture
def sources(tmp_path, monkeypatch):
    (tmp_path / "my_sources.py").write_text(SOURCES)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def only(monkeypatch):
    """Leaves out the other scenarios; each costs an import of TensorFlow."""

    def leave(*names):
        kept = {name: deadlocks._SCENARIOS[name] for name in names}
        monkeypatch.setattr(deadlocks, "_SCENARIOS", kept)

    return leave


def outcomes(capsys):
    lines = capsys.readouterr().out.splitlines()
    return {outcome["scenario"]: outcome for outcome in map(json.loads, lines)}


def test_every_scenario_is_ok_on_a_healthy_sequence(sources, capsys):
    argv = ["deadlocks", "my_sources:Healthy", "--workers", "2", "--json"]
    status = cli.main(argv)
    found = outcomes(capsys)
    assert [o for o in found.values() if not o["ok"]] == []
    assert status == 0
    assert list(found) == ["plain", *deadlocks._SCENARIOS]
    assert found["plain"]["outcome"].endswith("equal when read again")
    assert found["kill"]["outcome"] == "10 batches, 1 worker killed"


def test_files_left_behind_fail_the_scenario_in_a_line_of_words(sources, only, capsys):
    only("exit")
    assert cli.main(["deadlocks", "my_sources:LeavesFiles"]) == 1
    plain, exit_, *_ = capsys.readouterr().out.splitlines()
    assert plain.split()[:2] == ["plain", "ok"]
    assert exit_.split()[:2] == ["exit", "FAILED"]
    assert "sys.exit(7) after 5 batches, but left behind: " in exit_
    assert "scratch-0" in exit_


def test_random_values_are_not_compared(sources, only, capsys):
    only()
    assert cli.main(["deadlocks", "my_sources:Augmented"]) == 0
    assert "only counts and shapes are compared" in capsys.readouterr().out


def test_hang_is_reported_with_its_stack_and_nothing_else_is_run(sources, only, capsys):
    only("kill")
    argv = ["deadlocks", "my_sources:Hanging", "--limit-s", "3", "--json"]
    assert cli.main(argv) == 1
    found = outcomes(capsys)
    assert "hangs: has not ended after 3 s" in found["plain"]["outcome"]
    assert "my_sources.py" in found["plain"]["details"]
    assert "in __getitem__" in found["plain"]["details"]
    assert not found["kill"]["ok"]
    assert "not run" in found["kill"]["outcome"]


def test_hang_in_a_worker_is_reported_with_the_workers_stack(sources, only, capsys):
    only("epochs")
    argv = ["deadlocks", "my_sources:HangsInWorkers", "--limit-s", "6"]
    assert cli.main([*argv, "--json"]) == 1
    found = outcomes(capsys)
    assert found["plain"]["ok"]
    assert "hangs" in found["epochs"]["outcome"]
    assert "my_sources.py" in found["epochs"]["details"]


@pytest.mark.parametrize(
    ("change", "fact"),
    [
        (lambda batches: batches[:-1], "9 batches came instead of 10"),
        (lambda batches: batches[::-1], "batch 0 has other values"),
        (lambda batches: [batches[0], *batches[:-1]], "batch 1 has other values"),
    ],
)
def test_pass_that_differs_from_plain_indexing_is_found(change, fact, tmp_path):
    # Imported here: it answers to a signal from then on.
    from seq2data.tools.deadlocks_probe import DemoSource, Fingerprint, fingerprint
    from seq2data.tools.deadlocks_scenarios import ScenarioError, Trial

    source = DemoSource()
    trial = Trial(source, str(tmp_path), 2, 60, 10, Fingerprint._fields)
    probe = trial.probe()
    batches = [fingerprint(source[index]) for index in [*range(9), 39]]
    trial.check(probe, batches)
    with pytest.raises(ScenarioError, match=fact):
        trial.check(probe, change(batches))


def test_error_of_the_source_is_the_outcome(sources, only, capsys):
    only()
    assert cli.main(["deadlocks", "my_sources:Raising", "--json"]) == 1
    plain = outcomes(capsys)["plain"]
    assert plain["outcome"] == "KeyError: 'no such patient'"
    assert "in __getitem__" in plain["details"]


@pytest.mark.parametrize(
    ("target", "facts"),
    [
        ("my_sources", ["MODULE:OBJECT", "`my_sources`"]),
        ("no_such_module:Healthy", ["no_such_module"]),
        ("my_sources:Missing", ["my_sources:Missing", "Missing"]),
        ("my_sources:WithoutLength", ["WithoutLength", "__len__"]),
        ("my_sources:NeedsFiles", ["my_sources:NeedsFiles", "'files'"]),
        ("my_sources:generator", ["generator", "__len__"]),
        ("my_sources:fails", ["LookupError", "no such folder"]),
        ("my_sources:empty", ["list", "empty"]),
    ],
)
def test_target_that_cannot_serve_is_one_sentence(target, facts, sources, monkeypatch):
    from seq2data.tools.deadlocks_probe import load_target

    monkeypatch.syspath_prepend(sources)
    monkeypatch.delitem(sys.modules, "my_sources", raising=False)
    with pytest.raises(SourceError) as error_info:
        load_target(target)
    assert "\n" not in str(error_info.value)
    assert all(fact in str(error_info.value) for fact in facts)


def test_target_that_is_missing_ends_the_command(sources, only, capsys):
    only()
    assert cli.main(["deadlocks", "no_such_module:Healthy"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(
        "seq2data deadlocks: `no_such_module:Healthy` cannot be loaded"
    )
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    "argv", [["--workers", "0"], ["--limit-s", "soon"], ["a:b", "c:d"]]
)
def test_wrong_argument_is_refused(argv, capsys):
    with pytest.raises(SystemExit) as exit_info:
        cli.main(["deadlocks", *argv])
    assert exit_info.value.code == 2
    assert argv[-1] in capsys.readouterr().err


class Bar:
    """Counts as tqdm's does, and prints where there is no terminal, too."""

    def __init__(self, total, **_):
        self.total, self.done = total, 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        sys.stdout.write(f"bar {self.done} {self.total}\n")

    def update(self):
        self.done += 1

    def clear(self):
        pass

    def refresh(self):
        pass


@pytest.mark.parametrize("is_there", [True, False])
def test_instance_serves_and_progress_is_shown_where_tqdm_is(
    is_there, sources, only, capsys, monkeypatch
):
    only()
    tqdm = types.SimpleNamespace(tqdm=Bar) if is_there else None
    monkeypatch.setitem(sys.modules, "tqdm", tqdm)
    monkeypatch.syspath_prepend(sources)
    assert cli.main(["deadlocks", "my_sources:instance"]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert (last == "bar 1 1") == is_there


def test_command_loads_no_tensorflow_itself(sources):
    code = (
        "import sys; from seq2data.tools import cli, deadlocks; "
        "deadlocks._SCENARIOS = {}; status = cli.main(['deadlocks']); "
        "sys.exit(status or 'tensorflow' in sys.modules)"
    )
    path = os.pathsep.join(filter(None, sys.path))
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
