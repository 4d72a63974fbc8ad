"""Boards, tasks and benches: whatever is wrong in a file is named before anything starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from tinyhil.catalog.bench import select, stations
from tinyhil.catalog.board import Board, load_boards
from tinyhil.catalog.facts import load_named
from tinyhil.catalog.task import load_tasks
from tinyhil.ground.errors import ConfigError
from tinyhil.ground.paths import BOARDS

BOARD = (BOARDS / "mps2-an386.toml").read_text()
BENCH = """
schema = 1
[stations.desk]
board = "mps2-an386"
probe = "0123"
port = "/dev/serial/by-id/x"
"""


def wrong_board(tmp_path: Path, old: str, new: str) -> str:
    """What loading a board file with one thing changed says."""
    path = tmp_path / "mps2-an386.toml"
    path.write_text(BOARD.replace(old, new))
    with pytest.raises(ConfigError) as caught:
        load_named(path, Board)
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_the_files_in_the_tree_load() -> None:
    assert "mps2-an386" in load_boards()
    assert "kws01" in load_tasks()


def test_an_unknown_key_is_named_with_the_known_ones(tmp_path: Path) -> None:
    text = wrong_board(tmp_path, "clock_hz", "clock_khz")
    assert "unknown key 'clock_khz'" in text
    assert "clock_hz" in text.split("known keys here:")[1]


def test_an_unknown_key_in_a_nested_table_is_named_with_its_place(tmp_path: Path) -> None:
    text = wrong_board(tmp_path, 'name = "psram"', 'label = "psram"')
    assert "unknown key 'memory.2.label'" in text
    assert "known keys here: kind, name, size, start" in text


def test_a_limit_for_an_unknown_metric_is_refused(tmp_path: Path) -> None:
    limit = '[limits.other.latency_p95_s]\nmax = 1.0\nsource = "x"\n'
    assert "latency_p95_s" in wrong_board(tmp_path, "[emulator]", f"{limit}[emulator]")


def test_a_limit_needs_exactly_one_bound(tmp_path: Path) -> None:
    limit = '[limits.other.latency_p90_s]\nsource = "x"\n'
    assert "exactly one of" in wrong_board(tmp_path, "[emulator]", f"{limit}[emulator]")


def test_a_value_of_the_wrong_type_is_named(tmp_path: Path) -> None:
    assert "key 'baud'" in wrong_board(tmp_path, "schema = 1", 'schema = 1\nbaud = "fast"')


def test_a_file_that_is_no_toml_is_named(tmp_path: Path) -> None:
    assert "is no TOML" in wrong_board(tmp_path, "schema = 1", "schema = ")


def test_a_board_is_named_after_its_file(tmp_path: Path) -> None:
    assert "the file's name" in wrong_board(tmp_path, 'name = "mps2-an386"', 'name = "other"')


def test_an_emulated_board_needs_no_bench() -> None:
    (station,) = select(stations(load_boards(), None), ["mps2-an386"])
    assert station.wiring is None


def test_a_glob_and_all_choose_each_station_once(tmp_path: Path) -> None:
    bench = tmp_path / "bench.toml"
    bench.write_text(BENCH)
    known = stations(load_boards(), bench)
    chosen = select(known, ["all", "mps2*", "desk"])
    assert sorted(station.name for station in chosen) == sorted(known)
    (desk,) = select(known, ["desk"])
    assert desk.wiring is not None
    assert desk.wiring.probe == "0123"


def test_an_unknown_board_is_named_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"no station 'nucleo'; known: .*mps2-an386"):
        select(stations(load_boards(), None), ["nucleo"])


def test_a_bench_that_names_an_unknown_board_is_refused(tmp_path: Path) -> None:
    bench = tmp_path / "bench.toml"
    bench.write_text(BENCH.replace("mps2-an386", "mps9"))
    with pytest.raises(ConfigError, match=r"stations\.desk\.board.*unknown board 'mps9'.*mps2"):
        stations(load_boards(), bench)
