"""Data sets: read whole, or refused with the name of what is wrong."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tinyhil.catalog.task import Task
from tinyhil.data.material import LABELS, Material, brought_data, material, stand_in_data
from tinyhil.ground.errors import DataError


@pytest.fixture(scope="module")
def cache(stand_in: Material) -> Path:
    """Where the set of keyword spotting is."""
    return stand_in.data.folder.parent


@pytest.fixture
def brought(kws01: Task, cache: Path, tmp_path: Path) -> Path:
    """A folder as a user would bring it, filled with the stand-in samples."""
    folder = tmp_path / kws01.official.data
    shutil.copytree(stand_in_data(kws01, cache).folder, folder)
    return folder


def test_the_stand_in_set_has_the_pinned_sum(kws01: Task, cache: Path) -> None:
    made = material(kws01, None, cache)
    assert (made.data.kind, made.division) == ("stand-in", "none")
    assert kws01.stand_in is not None
    assert made.data.sha256 == kws01.stand_in.data_sha256
    assert len(made.data.samples) == 1000


def test_a_changed_stand_in_set_is_refused(kws01: Task, tmp_path: Path) -> None:
    folder = stand_in_data(kws01, tmp_path).folder
    next(folder.glob("*.bin")).write_bytes(bytes(490))
    with pytest.raises(DataError, match="not the pinned"):
        stand_in_data(kws01, tmp_path)


def test_a_set_that_matches_no_sum_is_custom(kws01: Task, brought: Path) -> None:
    assert brought_data(kws01, brought.parents[1]).kind == "custom"


def test_a_missing_folder_is_named(kws01: Task, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"kws01/y_labels\.csv: no such file"):
        brought_data(kws01, tmp_path)


@pytest.mark.parametrize("size", [489, 0, 491])
def test_a_torn_sample_is_named(kws01: Task, brought: Path, size: int) -> None:
    victim = sorted(brought.glob("*.bin"))[7]
    victim.write_bytes(bytes(size))
    with pytest.raises(DataError, match=rf"{victim.name}: has {size} bytes.*490"):
        brought_data(kws01, brought.parents[1])


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("nobody.bin,12,3", "line 1001: names 'nobody.bin'"),
        ("{known},12,12", "line 1001: class '12' of '12'"),
        ("{known},10,3", "line 1001: class '3' of '10'"),
        ("{known},12,Yes", "line 1001: class 'Yes'"),
        ("{known}", "line 1001: has 1 of 3 columns"),
    ],
)
def test_a_wrong_label_is_named_with_its_line(
    kws01: Task, brought: Path, line: str, text: str
) -> None:
    known = sorted(brought.glob("*.bin"))[0].name
    with (brought / LABELS).open("a") as labels:
        labels.write(line.format(known=known) + "\n")
    with pytest.raises(DataError, match=text):
        brought_data(kws01, brought.parents[1])


def test_blanks_and_line_ends_of_the_field_are_taken(kws01: Task, brought: Path) -> None:
    labels = brought / LABELS
    text = labels.read_text().replace(",", " , ").replace("\n", "\r\n")
    labels.write_bytes(text.encode())
    assert len(brought_data(kws01, brought.parents[1]).samples) == 1000


def test_another_model_is_refused(kws01: Task, brought: Path, cache: Path) -> None:
    model = brought.parents[1] / kws01.official.model
    model.parent.mkdir()
    model.write_bytes(b"TFL3 it is not")
    with pytest.raises(DataError, match=r"kws_ref_model\.tflite: has the SHA-256"):
        material(kws01, brought.parents[1], cache)
