"""Pinned sums: what is official, what is not, and that each wrong file is named."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

import pytest
from rich.console import Console

from tinyhil.catalog.task import Task, load_tasks
from tinyhil.data.command import add_arguments
from tinyhil.data.material import stand_in_data
from tinyhil.data.official import claims_official, compare, is_official
from tinyhil.data.pins import PINS, load_pins, load_sources
from tinyhil.data.verify import verify
from tinyhil.ground.errors import ConfigError, DataError

_TAKEN_DOWN = "00bc683739"


@pytest.fixture
def copy(official: Path, tmp_path: Path) -> Path:
    """A copy of the official folder that a test may damage: `kws01` and the models."""
    shutil.copytree(official / "datasets" / "kws01", tmp_path / "datasets" / "kws01")
    shutil.copytree(official / "models", tmp_path / "models")
    return tmp_path


def command(root: Path | str, *arguments: str) -> tuple[int, str]:
    """Exit status and output of ``tinyhil data``."""
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    action, *rest = arguments
    options = parser.parse_args([action, str(root), *rest])
    console = Console(record=True, width=200)
    return options.run(options, console), console.export_text()


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_every_set_has_pins_and_a_next_step() -> None:
    sources = load_sources()
    assert list(sources) == ["kws01", "ic01", "vww01", "ad01", "models"]
    counts = {name: len(load_pins(name)) for name in sources}
    assert counts == {"kws01": 1001, "ic01": 201, "vww01": 1001, "ad01": 249, "models": 6}
    assert {path.stem for path in PINS.glob("*.sha256")} == sources.keys()
    assert all(source.get for source in sources.values())


def test_origins_are_secure_and_never_the_commit_that_was_taken_down() -> None:
    text = (PINS / "sources.toml").read_text()
    assert _TAKEN_DOWN not in text
    assert "http://" not in text
    fetched = [name for name, source in load_sources().items() if source.fetched]
    assert fetched == ["kws01", "models"]


def test_pins_of_the_models_are_those_that_are_fetched_and_those_of_the_tasks() -> None:
    pins, files = load_pins("models"), load_sources()["models"].files
    assert files
    assert files.paths.keys() == pins.keys()
    for task in load_tasks().values():
        assert pins[Path(task.official.model).name] == task.official.model_sha256


def test_every_task_has_pins_for_its_data_set() -> None:
    for task in load_tasks().values():
        assert "y_labels.csv" in load_pins(task.name)


def test_images_of_ic01_differ_so_that_content_names_them() -> None:
    pins = load_pins("ic01")
    assert len(set(pins.values())) == len(pins)


@pytest.mark.parametrize("line", ["0" * 64 + "  ../x", "0" * 63 + "  x", "0" * 64 + " x", "x"])
def test_a_line_that_is_no_sum_is_named(tmp_path: Path, line: str) -> None:
    (tmp_path / "some.sha256").write_text(f"# a comment\n{line}\n")
    with pytest.raises(ConfigError, match=r"some\.sha256, line 2"):
        load_pins("some", tmp_path)


def test_pins_are_the_sums_of_the_official_files(official: Path) -> None:
    for name in load_sources():
        report = verify(official, name)
        assert report.complete, report


def test_compare_names_what_is_missing_altered_and_extra() -> None:
    report = compare("x", {"a": "1", "b": "2", "c": "3"}, {"b": "2", "c": "4", "d": "5"})
    assert (report.missing, report.altered, report.extra) == (("a",), ("c",), ("d",))
    assert report.state == "1 missing, 1 altered, 1 extra"
    assert str(report) == "1 missing (a); 1 altered (c); 1 extra (d)"
    assert not report.complete
    assert compare("x", {"a": "1"}, {}).state == "not there"
    assert compare("x", {"a": "1"}, {"a": "1"}).state == "complete"


def test_a_message_shows_few_names_and_no_control_characters() -> None:
    report = compare("x", {f"{number:02}": "" for number in range(9)}, {"\x1b[2J": ""})
    assert str(report) == "9 missing (00, 01, 02, 03, 04 and 4 more); 1 extra (\\x1b[2J)"


@pytest.mark.parametrize(
    ("sums", "claims"),
    [
        ({"y_labels.csv": "L"}, True),
        ({"a": "", "b": "", "c": ""}, True),
        ({"a": "", "b": "", "y_labels.csv": "own"}, False),
        ({"own": "", "y_labels.csv": "own"}, False),
        ({}, False),
    ],
)
def test_a_set_claims_to_be_official_by_its_labels_or_by_most_of_its_names(
    sums: dict[str, str], claims: bool
) -> None:
    pins = {"a": "1", "b": "2", "c": "3", "d": "4", "y_labels.csv": "L"}
    assert claims_official(pins, sums) is claims


def test_the_stand_in_set_is_not_taken_for_the_official_one(kws01: Task, tmp_path: Path) -> None:
    folder = stand_in_data(kws01, tmp_path).folder
    assert not is_official("kws01", folder, files_of(folder))
    assert not is_official("mine99", folder, files_of(folder))


def test_other_bytes_under_the_official_names_are_refused(tmp_path: Path) -> None:
    files = dict.fromkeys(load_pins("kws01"), b"other")
    del files["y_labels.csv"]
    with pytest.raises(DataError, match=r"1 missing \(y_labels\.csv\); 1000 altered \(tst_000000"):
        is_official("kws01", tmp_path, files)


def test_the_official_set_is_official_whatever_is_hidden_in_it(copy: Path) -> None:
    folder = copy / "datasets" / "kws01"
    files = files_of(folder)
    (folder / ".DS_Store").write_bytes(b"")
    assert is_official("kws01", folder, files)


@pytest.mark.parametrize("name", ["tst_000006_Up_8.bin", "y_labels.csv"])
@pytest.mark.parametrize("kind", ["missing", "altered"])
def test_a_damaged_official_set_is_refused_by_file_name(copy: Path, name: str, kind: str) -> None:
    folder = copy / "datasets" / "kws01"
    path = folder / name
    if kind == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-1] + b"?")
    with pytest.raises(DataError, match=rf"not: 1 {kind} \({name}\)") as caught:
        is_official("kws01", folder, files_of(folder))
    assert "tinyhil data fetch" in caught.value.hint


@pytest.mark.parametrize("name", ["tst_001000_Up_8.bin", "notes.txt"])
def test_an_official_set_with_one_file_more_is_refused(copy: Path, name: str) -> None:
    folder = copy / "datasets" / "kws01"
    files = files_of(folder)
    (folder / name).write_bytes(bytes(490))
    with pytest.raises(DataError, match=rf"1 extra \({name}\)"):
        is_official("kws01", folder, files)


def test_verify_names_each_wrong_file_and_the_next_step(copy: Path) -> None:
    folder = copy / "datasets" / "kws01"
    (folder / "tst_000006_Up_8.bin").unlink()
    (folder / "tst_000007_Yes_9.bin").write_bytes(bytes(490))
    (folder / "more[bold].bin").write_bytes(b"")
    (copy / "models" / "mine.tflite").write_bytes(b"")
    status, output = command(copy, "verify")
    assert status == 1
    assert "kws01: 1 missing, 1 altered, 1 extra" in output
    for line in ("missing tst_000006_Up_8.bin", "altered tst_000007_Yes_9.bin"):
        assert line in output
    assert "extra   more[bold].bin" in output
    assert "next step: to restore it, run `tinyhil data fetch`" in output
    assert "models: complete" in output
    assert "ic01: not there" in output


def test_verify_of_a_part_is_well_when_that_part_is(copy: Path) -> None:
    assert command(copy, "verify")[0] == 0
    assert command(copy, "verify", "--only", "models")[0] == 0
    assert command(copy, "verify", "--only", "ic01")[0] == 1


def test_verify_of_an_empty_folder_says_where_to_get_the_files(tmp_path: Path) -> None:
    status, output = command(tmp_path, "verify")
    assert status == 1
    assert "holds none of the official files" in output
    assert "tinyhil data list" in output


def test_something_else_in_the_place_of_a_file_is_an_altered_file(tmp_path: Path) -> None:
    (tmp_path / "models" / "ad01_int8.tflite").mkdir(parents=True)
    assert verify(tmp_path, "models").altered == ("ad01_int8.tflite",)


def test_list_says_what_is_here_and_how_to_get_the_rest(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "ad01_int8.tflite").write_bytes(b"")
    status, output = command(tmp_path, "list")
    assert status == 0
    assert "5 missing, 1 altered" in output
    for words in ("tinyhil data fetch", "tinyhil data build", "MLCommons gives it to its members"):
        assert words in output


def test_without_a_folder_the_error_says_how_to_name_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TINYHIL_DATA", raising=False)
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    options = parser.parse_args(["verify"])
    with pytest.raises(ConfigError, match="TINYHIL_DATA"):
        options.run(options, Console(quiet=True))


def test_an_unknown_set_is_an_error_that_names_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no data set 'nope'; known: kws01, ic01"):
        command(tmp_path, "verify", "--only", "nope")
