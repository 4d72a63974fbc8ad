"""Boards, tasks and benches: every error in a file is named before anything starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from tinyhil.catalog.bench import select, stations
from tinyhil.catalog.board import Board, load_boards
from tinyhil.catalog.facts import load_named
from tinyhil.catalog.task import Task, load_tasks
from tinyhil.ground.errors import ConfigError
from tinyhil.ground.paths import BOARDS
from tinyhil.image.build import compile_for, port_of

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


@pytest.mark.parametrize("all_windows", [False, True])
@pytest.mark.parametrize("name", load_tasks())
def test_an_input_knows_how_many_windows_it_has(name: str, all_windows: bool) -> None:
    given = load_tasks()[name].input
    windows = given.windows(bytes(given.bytes), all_windows=all_windows)
    assert given.count(all_windows=all_windows) == len(windows)


def test_an_unknown_key_is_named_with_the_known_ones(tmp_path: Path) -> None:
    text = wrong_board(tmp_path, "clock_hz", "clock_khz")
    assert "unknown key 'clock_khz'" in text
    assert "clock_hz" in text.split("known keys here:")[1]


def test_an_unknown_key_in_a_nested_table_is_named_with_its_place(tmp_path: Path) -> None:
    text = wrong_board(tmp_path, 'name = "psram"', 'label = "psram"')
    assert "unknown key 'memory.2.label'" in text
    assert "known keys here: constants, kind, name, size, start" in text


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ("start = 0x2100_0000", "start = 0x2000_1000", "'ssram23' (0x20000000 to 0x203fffff) and"),
        ("start = 0x2100_0000", "start = 0xFFFF_0000", "'psram' goes beyond the last address"),
        ("start = 0x2100_0000", "start = 0x2100_0001", "key 'memory.2.start': Input should be a m"),
        (
            "clock_hz = 25_000_000",
            "clock_hz = true",
            "key 'clock_hz': Input should be a valid number",
        ),
        (
            "clock_hz = 25_000_000",
            "clock_hz = '25'",
            "key 'clock_hz': Input should be a valid number",
        ),
        ("clock_hz = 25_000_000", "clock_hz = 25_000_000_000", "should be less than 4294967296"),
        ("max = 0.771485", "max = nan", "latency_p50_s.max': Input should be a finite number"),
        ('port = "mps2"', 'port = "./a\\u0000"', "key 'port' has a control character"),
        ('"-mthumb"', '"\\u001B[31m"', "key 'toolchain.flags' has a control character"),
        ("icount_shift = 5", '"a\\u0007" = 5', r"a key 'a\x07' has a control character"),
        ("icount_shift = 5", "icount_shift = 5\ndevice_options = { worn = -1 }", "device_options"),
        ("schema = 1", "schema = " + "9" * 5000, "a number in it has thousands of digits"),
        ("schema = 1", "schema = " + "[" * 5000, "it nests too deep"),
        ('"tinyhil_mps2_an386"', '"stm32l475xg"', "begins with tinyhil_"),
        (
            '"tinyhil_mps2_an386"',
            '"tinyhil_x"\npart = { address = 0, mask = 0xFF, value = 0x415 }',
            "key 'flash.part': 'value' has bits that 'mask' (0xff) leaves out",
        ),
    ],
)
def test_what_no_board_can_be_is_told_by_its_key(
    tmp_path: Path, old: str, new: str, text: str
) -> None:
    assert text in wrong_board(tmp_path, old, new)


def test_kernels_that_are_not_there_are_no_slow_ones(tmp_path: Path, kws01: Task) -> None:
    board = load_boards()["mps2-an386"]
    tools = board.toolchain.model_copy(update={"kernels": ("armv7em",)})
    wrong = board.model_copy(update={"toolchain": tools, "port": "m" * 5000})
    with pytest.raises(ConfigError, match="no kernels 'armv7em'; known: armv6-m, armv7e-m, mve"):
        compile_for(kws01, tmp_path / "any.tflite", wrong)
    with pytest.raises(ConfigError, match=r"has no port\.cmake"):
        port_of(wrong)


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("monitor = 'js220'", "key 'stations.desk.monitor': Input should be a valid dictionary"),
        ("labgrids = 'place-1'", "'stations.desk.labgrids'; known keys here: baud, baud_max, bo"),
    ],
)
def test_what_a_bench_can_not_have_is_said(tmp_path: Path, key: str, text: str) -> None:
    path = tmp_path / "bench.toml"
    path.write_text(f"{BENCH}{key}\n")
    with pytest.raises(ConfigError) as caught:
        stations(load_boards(), path)
    assert text in str(caught.value)
    assert "next step: correct the key" in str(caught.value)


def test_a_limit_for_an_unknown_metric_is_refused(tmp_path: Path) -> None:
    limit = '[limits.other.latency_p95_s]\nmax = 1.0\nsource = "x"\n'
    assert "latency_p95_s" in wrong_board(tmp_path, "[emulator]", f"{limit}[emulator]")


def test_a_limit_needs_exactly_one_bound(tmp_path: Path) -> None:
    limit = '[limits.other.latency_p90_s]\nsource = "x"\n'
    assert "exactly one of" in wrong_board(tmp_path, "[emulator]", f"{limit}[emulator]")


def test_a_value_of_the_wrong_type_is_named(tmp_path: Path) -> None:
    assert "key 'baud'" in wrong_board(tmp_path, "schema = 1", 'schema = 1\nbaud = "fast"')


def test_a_file_that_is_no_toml_is_named(tmp_path: Path) -> None:
    assert "is not TOML" in wrong_board(tmp_path, "schema = 1", "schema = ")


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


def bench_of(tmp_path: Path, *wired: tuple[str, str, str]) -> Path:
    """A bench file of stations with a name, a probe and a port each."""
    path = tmp_path / "bench.toml"
    path.write_text(
        "schema = 1\n"
        + "".join(
            f'[stations."{name}"]\nboard = "mps2-an386"\nprobe = "{probe}"\nport = "{port}"\n'
            for name, probe, port in wired
        )
    )
    return path


@pytest.mark.parametrize(
    "name",
    ["desk[1]", "desk*", "lab/desk", "all", "", ".desk", "-desk", "d sk", "d\u00e9sk", "x" * 65],
)
def test_a_station_with_a_name_that_goes_nowhere_is_refused(tmp_path: Path, name: str) -> None:
    bench = bench_of(tmp_path, (name, "P1", "/dev/a"))
    with pytest.raises(ConfigError, match="can't be the name of a station") as caught:
        stations(load_boards(), bench)
    assert f"{bench}: key 'stations.{name}'" in str(caught.value)


def test_a_station_with_the_name_of_an_emulated_board_is_refused(tmp_path: Path) -> None:
    bench = bench_of(tmp_path, ("mps2-an386", "P1", "/dev/a"))
    with pytest.raises(ConfigError, match="'mps2-an386' is the name of an emulated board"):
        stations(load_boards(), bench)


def test_two_stations_with_one_probe_are_refused(tmp_path: Path) -> None:
    bench = bench_of(tmp_path, ("one", "0A1b", "/dev/a"), ("two", "cmsisdap:0a1B", "/dev/b"))
    with pytest.raises(ConfigError, match="'one' and 'two' have the same probe: '0A1b' and"):
        stations(load_boards(), bench)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("{here}/tty", "{here}/by-id"),
        ("{here}/tty", "spy://{here}/by-id?file=/dev/null"),
        ("serial:AB12", "SERIAL:ab12"),
        ("usb:0483:374B", "usb:0483:374b"),
        ("socket://Bench:4000", "rfc2217://bench:4000?ign_set_control"),
    ],
)
def test_two_stations_with_one_port_are_refused(tmp_path: Path, one: str, other: str) -> None:
    (tmp_path / "tty").touch()
    (tmp_path / "by-id").symlink_to(tmp_path / "tty")
    ports = [port.format(here=tmp_path) for port in (one, other)]
    bench = bench_of(tmp_path, ("one", "P1", ports[0]), ("two", "P2", ports[1]))
    with pytest.raises(ConfigError, match="'one' and 'two' have the same port") as caught:
        stations(load_boards(), bench)
    assert "stations.two.port" in caught.value.hint


@pytest.mark.parametrize("port", ["usb:483:374b", "usb:0483", "serial:", "usb:0483:374b:"])
def test_a_port_that_names_no_usb_device_is_refused(tmp_path: Path, port: str) -> None:
    bench = bench_of(tmp_path, ("desk", "P1", port))
    with pytest.raises(ConfigError, match=r"'stations\.desk\.port': .* does not name a USB device"):
        stations(load_boards(), bench)


def test_different_probes_and_ports_are_different_stations(tmp_path: Path) -> None:
    bench = bench_of(
        tmp_path, ("one", "P1", "usb:0483:374b:1"), ("two", "P2", "usb:0483:374b:2"),
        ("three", "P3", "socket://bench:1"), ("four", "P4", "socket://bench:2"),
    )  # fmt: skip
    assert {"one", "two", "three", "four"} <= stations(load_boards(), bench).keys()


def test_an_exact_name_wins_over_a_glob() -> None:
    """Names of stations are no globs, those of others may be."""
    known = stations(load_boards(), None)
    odd = {"mps[2]": known["mps2-an386"], "mps2": known["mps2-an386"]}
    assert [next(iter(odd.items()))[1]] == list(select(odd, ["mps[2]"]))
