from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile

import numpy as np
import pytest

from seq2data.errors import MissingExtraError
from seq2data.tools import demo


@pytest.fixture(scope="module")
def crops(tmp_path_factory):
    pytest.importorskip("sklearn")
    return demo.write_crops(tmp_path_factory.mktemp("crops"), 8)


def test_crops_are_jpeg_files_of_both_photographs(crops):
    image = pytest.importorskip("PIL.Image")
    assert sorted(label for _, label in crops) == [0, 0, 0, 0, 1, 1, 1, 1]
    assert len({path for path, _ in crops}) == 8
    for path, _ in crops:
        with image.open(path) as crop:
            assert crop.format == "JPEG"
            assert min(crop.size) >= 256


def test_crops_are_the_same_every_time(crops, tmp_path):
    again = demo.write_crops(tmp_path, 8)
    assert len(again) == len(crops) == 8
    for (path, label), (other_path, other_label) in zip(crops, again):
        assert label == other_label
        with open(path, "rb") as file, open(other_path, "rb") as other:
            assert file.read() == other.read()


@pytest.mark.tensorflow
def test_sequence_reads_every_file_once_per_pass(crops):
    from seq2data.tools.photo_sequence import SIDE, PhotoSequence

    sequence = PhotoSequence(crops, batch_size=3)
    batches = [sequence[index] for index in range(len(sequence))]
    assert [images.shape for images, _ in batches] == [
        (3, SIDE, SIDE, 3),
        (3, SIDE, SIDE, 3),
        (2, SIDE, SIDE, 3),
    ]
    labels = np.concatenate([labels for _, labels in batches])
    assert labels.tolist() == [label for _, label in crops]
    assert all(images.dtype == np.float32 for images, _ in batches)
    assert all(0 <= images.min() <= images.max() <= 1 for images, _ in batches)


@pytest.mark.tensorflow
def test_sequence_shuffles_its_files_between_passes(crops):
    from seq2data.tools.photo_sequence import PhotoSequence

    sequence = PhotoSequence(crops * 4, batch_size=4)
    before = list(sequence.files)
    sequence.on_epoch_end()
    assert sequence.files != before
    assert sorted(sequence.files) == sorted(before)


@pytest.mark.parametrize("module", ["sklearn", "PIL"])
def test_missing_extra_is_named_before_anything_is_done(module, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(MissingExtraError, match=r"seq2data\[demo\]"):
        demo.run(argparse.Namespace(crops=8, workers=0))
    assert not list(tmp_path.iterdir())


def test_table_compares_the_two_ways(capsys):
    demo.print_table(
        [
            demo.Timing("legacy Sequence", 120, 12.0, 6.0),
            demo.Timing("to_dataset, 2 workers", 120, 9.0, 3.0),
        ],
        workers=2,
    )
    out = capsys.readouterr().out
    assert re.search(r"^legacy Sequence +120 +12\.0 +10\.0 +10\.0$", out, re.M)
    assert re.search(r"^to_dataset, 2 workers +120 +9\.0 +13\.3 +20\.0$", out, re.M)
    assert "0.75 x" in out
    assert "0.50 x" in out


@pytest.mark.tensorflow
def test_demo_trains_both_ways_and_leaves_no_file(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "seq2data", "demo", "--crops", "64", "--workers", "2"],
        capture_output=True,
        text=True,
        timeout=240,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            "TMPDIR": str(tmp_path),
            # AutoGraph, which Keras 2 uses, leaves its bytecode in that folder.
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for way in ("legacy Sequence", "to_dataset, 2 workers"):
        assert re.search(rf"^{way} +8( +[\d.]+){{3}}$", done.stdout, re.M), done.stdout
    # Keras's progress bar, of two epochs each.
    assert done.stdout.count("Epoch 2/2") == 2
    assert done.stdout.count("4/4") >= 4
    assert not list(tmp_path.iterdir())
