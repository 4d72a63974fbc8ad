"""The seal: everything that is changed, added or removed afterwards is named."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest

from tinyhil.ground.errors import BenchError, ConfigError, WriteError
from tinyhil.record import Configuration, Record, sums
from tinyhil.record.description import Where, read_description
from tinyhil.record.seal import Difference, differences, read_seal, seal, versions

from .recorded import full_above

ROWS = 40


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A sealed run."""
    record = Record.start(tmp_path, Configuration(station="desk", board="mps2-an386"))
    for number in range(ROWS):
        record.keep("kws01-energy", {"sample": f"{number}.bin", "joules": number})
    (record.raw / "kws01-serial.log").write_bytes(b"00000.000001 > b'name%'\n" * 30)
    record.close()
    seal(record.folder, versions(Path("qemu-system-arm")))
    return record.folder


@pytest.mark.parametrize("left", [False, True])
def test_a_folder_that_was_removed_is_gone_even_where_a_part_of_it_is_left(
    folder: Path, left: bool
) -> None:
    shutil.rmtree(folder)
    if left:
        folder.mkdir()
    with pytest.raises(WriteError, match="is gone: it was removed"):
        seal(folder, {})
    assert folder.exists() is left


def found(folder: Path) -> tuple[Difference, ...]:
    return differences(folder, read_seal(folder))


def test_a_seal_names_every_file_and_what_the_run_was_made_with(folder: Path) -> None:
    sealed = read_seal(folder)
    assert set(sealed.files) == {"run.json", "raw/kws01-energy.jsonl", "raw/kws01-serial.log"}
    assert sealed.packages["pytest-tinyhil"] == version("pytest-tinyhil")
    assert "QEMU emulator" in sealed.packages["qemu-system-arm"]
    assert {"pytest", "pyserial", "pyocd", "numpy", "scikit-learn"} <= set(sealed.packages)
    assert found(folder) == ()


@pytest.mark.parametrize("line", [1, 17, ROWS])
def test_a_changed_line_is_named(folder: Path, line: int) -> None:
    path = folder / "raw" / "kws01-energy.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    lines[line - 1] = lines[line - 1].replace(b"joules", b"Joules")
    path.write_bytes(b"".join(lines))
    assert found(folder) == (Difference("raw/kws01-energy.jsonl", line, "was changed first here"),)


def test_a_file_that_grew_beyond_all_bounds_of_a_seal_is_named_with_its_lines(
    folder: Path,
) -> None:
    path = folder / "raw" / "kws01-energy.jsonl"
    path.write_bytes(path.read_bytes() * 4000)
    (difference,) = found(folder)
    assert (difference.file, difference.line) == ("raw/kws01-energy.jsonl", ROWS + 1)
    assert "it has 160,000 lines, 40 were sealed" in difference.text


def test_a_line_that_was_taken_away_is_named_and_counted(folder: Path) -> None:
    path = folder / "raw" / "kws01-energy.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:20], *lines[21:]]))
    (difference,) = found(folder)
    assert difference.line == 21
    assert "it has 39 lines, 40 were sealed" in difference.text


def test_of_a_long_file_the_lines_that_share_a_sum_are_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sums, "_MOST_SUMS", 10)
    seal(folder, {})
    path = folder / "raw" / "kws01-energy.jsonl"
    path.write_bytes(path.read_bytes().replace(b"17.bin", b"71.bin"))
    (difference,) = found(folder)
    assert (difference.line, difference.text) == (
        17, "was changed first somewhere in lines 17 to 20",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("change", "file", "text"),
    [
        (lambda folder: (folder / "note").touch(), "note", "was added after the run was sealed"),
        (lambda folder: (folder / "run.json").unlink(), "run.json", "is missing"),
        (
            lambda folder: (folder / "run.json").write_bytes(
                (folder / "run.json").read_bytes().replace(b"auto", b"wire")
            ),
            "run.json",
            "was changed",
        ),
    ],
)
def test_a_file_that_came_went_or_changed_is_named(
    folder: Path, change: Callable[[Path], None], file: str, text: str
) -> None:
    change(folder)
    assert found(folder) == (Difference(file, None, text),)


def test_any_changed_byte_of_the_seal_is_seen(folder: Path) -> None:
    path = folder / "seal.json"
    whole = path.read_bytes()
    for place in range(0, len(whole), 7):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        try:
            assert Difference("seal.json", None, "was changed: its own sum differs") in (
                found(folder)
            ), f"byte {place}: {whole[place - 20 : place + 20]!r}"
        except ConfigError as error:
            assert "seal.json" in str(error)  # noqa: PT017 - most bytes still make a seal


def test_a_full_disk_leaves_no_half_seal(folder: Path) -> None:
    (folder / "seal.json").unlink()
    with full_above(500), pytest.raises(BenchError, match=r"seal\.json: cannot be written"):
        seal(folder, {})
    assert sorted(path.name for path in folder.iterdir()) == ["raw", "run.json"]


def test_a_seal_that_names_files_elsewhere_does_not_lead_there(folder: Path) -> None:
    path = folder / "seal.json"
    values = json.loads(path.read_bytes())
    values["files"]["../../../etc/passwd"] = values["files"]["run.json"]
    path.write_text(json.dumps(values))
    assert Difference("../../../etc/passwd", None, "is missing") in found(folder)


def test_a_run_tells_where_its_board_is_if_that_is_not_here(tmp_path: Path) -> None:
    configuration = Configuration(station="desk", board="mps2-an386")
    for at, told in (
        (None, ""),
        (Where(host="bench1"), "host bench1"),
        (Where(place="l4-3", host="bench1"), "place l4-3, host bench1"),
    ):
        record = Record.start(tmp_path, configuration, at)
        record.close()
        assert read_description(record.folder).board_at == told
        assert ("board_at" in (record.folder / "run.json").read_text()) == (at is not None)
