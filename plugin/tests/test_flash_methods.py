"""Ways of flashing without pyOCD: a command, OpenOCD, a drive; and stations without a probe."""

from __future__ import annotations

import hashlib
import sys
import threading
from pathlib import Path

import pytest

from tinyhil import flash
from tinyhil.catalog.bench import stations
from tinyhil.catalog.board import Board, FlashFacts, load_boards
from tinyhil.flash.drive import as_hex, as_uf2
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import BenchError, ConfigError, TinyhilError
from tinyhil.image.elf import Image, Segment
from tinyhil.pytest_side.plan import Options, make_plan

from .made_elf import Part, elf

BOARD = load_boards()["mps2-an386"].model_copy(update={"emulator": None, "name": "lab"})
SEGMENTS = (Segment(0x0, bytes(range(200))), Segment(0x1FFF0, b"\xaa" * 40))


@pytest.fixture
def image(tmp_path: Path) -> Image:
    path = tmp_path / "image.elf"
    path.write_bytes(b"an ELF, for all that a command knows")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return Image(path, digest, 0, SEGMENTS, {}, text_bytes=240, data_bytes=0, bss_bytes=0)


def board(**facts: object) -> Board:
    return BOARD.model_copy(update={"flash": FlashFacts.model_validate(facts)})


def script(text: str) -> tuple[str, ...]:
    return (sys.executable, "-c", f"import sys; {text}", "{image}", "{probe}")


def test_a_command_of_the_users_gets_the_image_and_the_probe(image: Image, tmp_path: Path) -> None:
    told = tmp_path / "told"
    command = script(f"open({str(told)!r}, 'w').write(' '.join(sys.argv[1:]))")
    result = flash.flash(
        image, board(method="command", command=command), "ST-1", Deadline.after(60)
    )
    assert told.read_text() == f"{image.path} ST-1"
    assert result.image_bytes == 240


FAILURES: list[tuple[dict[str, object], type[TinyhilError], str]] = [
    ({"method": "command"}, ConfigError, r"no command with \{image\}"),
    (
        {"method": "command", "command": ("no-such-tool", "{image}")},
        BenchError,
        "cannot be started",
    ),
    (
        {"method": "command", "command": script("sys.exit('no probe found')")},
        BenchError,
        "ended with 1: no probe found",
    ),
    (
        {"method": "command", "command": script("import time; time.sleep(60)"), "timeout_s": 0.5},
        BenchError,
        "was not done in 0.5 s",
    ),
    ({"method": "openocd"}, ConfigError, "no arguments"),
    ({"method": "drive"}, ConfigError, r"no 'flash\.drive'"),
    ({"method": "drive", "drive": "/nowhere"}, BenchError, "drive is not there"),
    ({"method": "pyocd"}, ConfigError, r"no 'flash\.target'"),
]


@pytest.mark.parametrize(("facts", "error", "text"), FAILURES)
def test_a_way_that_fails_says_why(
    image: Image, facts: dict[str, object], error: type[TinyhilError], text: str
) -> None:
    with pytest.raises(error, match=text) as caught:
        flash.flash(image, board(**facts), "ST-1", Deadline.after(60))
    assert caught.value.hint


def test_openocd_programs_verifies_and_resets(
    image: Image, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told, tool = tmp_path / "told", tmp_path / "openocd"
    tool.write_text(f'#!/bin/sh\nprintf "%s|" "$@" >{told}\n')
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    facts = board(method="openocd", command=("-f", "board/st_nucleo_l4.cfg"))
    flash.flash(image, facts, "066B", Deadline.after(60))
    program = f"program {{{image.path}}} verify reset exit"
    assert told.read_text() == f"-f|board/st_nucleo_l4.cfg|-c|adapter serial 066B|-c|{program}|"


class Drive(threading.Thread):
    """A board's drive, which takes the first file that is dropped and is gone."""

    def __init__(self, folder: Path, name: str, fail: str = "") -> None:
        super().__init__(daemon=True)
        self._path, self._fail, self.taken = folder / name, fail, b""
        self._folder = folder

    def run(self) -> None:
        """Wait for a whole file."""
        deadline = Deadline.after(60)
        while not deadline.expired:
            if self._path.exists() and self._path.stat().st_size:
                self.taken = self._path.read_bytes()
                if self._fail:
                    (self._folder / "FAIL.TXT").write_text(self._fail)
                self._path.unlink()
                return
            deadline.pause(0.01)


@pytest.mark.parametrize("uf2", [True, False])
def test_a_drive_takes_uf2_or_hex(image: Image, tmp_path: Path, uf2: bool) -> None:
    if uf2:
        (tmp_path / "INFO_UF2.TXT").write_text("UF2 Bootloader v3.0\n")
    drive = Drive(tmp_path, "tinyhil.uf2" if uf2 else "tinyhil.hex")
    drive.start()
    flash.flash(image, board(method="drive", drive=str(tmp_path)), "", Deadline.after(60))
    drive.join(60)
    assert drive.taken == (as_uf2 if uf2 else as_hex)(SEGMENTS)


def test_a_drive_that_refuses_says_why(image: Image, tmp_path: Path) -> None:
    Drive(tmp_path, "tinyhil.hex", "The hex file does not fit").start()
    with pytest.raises(BenchError, match="refused the image: The hex file does not fit"):
        flash.flash(image, board(method="drive", drive=str(tmp_path)), "", Deadline.after(60))


def test_a_refusal_is_seen_though_the_drive_was_away_when_it_was_written(
    image: Image, tmp_path: Path
) -> None:
    """As DAPLink does it: the drive goes with the file, and comes back with the complaint."""
    place, away = tmp_path / "drive", tmp_path / "away"
    place.mkdir()

    class Probe(Drive):
        def run(self) -> None:
            deadline = Deadline.after(60)
            while not (self._path.exists() and self._path.stat().st_size):
                assert not deadline.expired
                deadline.pause(0.01)
            place.rename(away)
            (away / self._path.name).unlink()
            (away / "FAIL.TXT").write_text("The interface firmware FAILED to program the target")
            away.rename(place)

    Probe(place, "tinyhil.hex").start()
    with pytest.raises(BenchError, match="refused the image: The interface firmware FAILED"):
        flash.flash(image, board(method="drive", drive=str(place)), "", Deadline.after(60))


def test_a_complaint_of_an_earlier_try_does_not_end_this_one(image: Image, tmp_path: Path) -> None:
    (tmp_path / "INFO_UF2.TXT").write_text("UF2 Bootloader v3.0\n")
    (tmp_path / "FAIL.TXT").write_text("the one before")
    drive = Drive(tmp_path, "tinyhil.uf2")
    drive.start()
    flash.flash(image, board(method="drive", drive=str(tmp_path)), "", Deadline.after(60))
    drive.join(60)
    assert drive.taken == as_uf2(SEGMENTS)


def test_hex_and_uf2_hold_every_byte_at_its_address() -> None:
    wanted = {s.address + at: byte for s in SEGMENTS for at, byte in enumerate(s.data)}
    found: dict[int, int] = {}
    high = 0
    for line in as_hex(SEGMENTS).decode().splitlines():
        record = bytes.fromhex(line[1:])
        assert sum(record) & 0xFF == 0, "the checksum"
        count, address, kind, data = record[0], record[1] << 8 | record[2], record[3], record[4:-1]
        assert len(data) == count
        if kind == 4:
            high = int.from_bytes(data, "big") << 16
        elif kind == 0:
            found |= {high + address + at: byte for at, byte in enumerate(data)}
    assert found == wanted
    blocks = as_uf2(SEGMENTS)
    pages: dict[int, int] = {}
    for number in range(len(blocks) // 512):
        block = blocks[512 * number : 512 * (number + 1)]
        address, size = (int.from_bytes(block[at : at + 4], "little") for at in (12, 16))
        pages |= {address + at: byte for at, byte in enumerate(block[32 : 32 + size])}
    assert wanted.items() <= pages.items()


def test_a_station_without_a_probe_is_measured_as_it_is(tmp_path: Path) -> None:
    bench = tmp_path / "bench.toml"
    bench.write_text(
        'schema = 1\n[stations.plain]\nboard = "lab"\nport = "/dev/ttyX1"\n'
        '[stations.own]\nboard = "lab"\nport = "/dev/ttyX2"\n'
        '[stations.own.flash]\nmethod = "command"\ncommand = ["west", "flash", "{image}"]\n'
    )
    found = stations({"lab": BOARD}, bench)
    assert found["plain"].board.flash.method == "none"
    assert found["own"].board.flash.method == "command"
    assert found["own"].board.flash.target == BOARD.flash.target, "the type's own facts stay"


def test_frames_through_a_probe_need_a_probe_and_our_harness(tmp_path: Path) -> None:
    bench, image = tmp_path / "bench.toml", tmp_path / "theirs.elf"
    image.write_bytes(elf([Part(0, b"code")]))
    flashed = '[stations.{0}.flash]\nmethod = "command"\ncommand = ["west", "flash", "{{image}}"]\n'
    station = '[stations.{0}]\nboard = "nucleo-l4r5zi"\nport = "/dev/tty{0}"\n'
    bench.write_text(f"schema = 1\n{station}{flashed}".format("own"))

    def plan(board: str, firmware: Path | None) -> None:
        make_plan(
            Options([board], bench, None, firmware, "rtt", False, False, 0.0, None, tmp_path,
                    tmp_path)
        )  # fmt: skip

    with pytest.raises(ConfigError, match="hil-link rtt: station 'own' has no 'probe'"):
        plan("own", None)
    with pytest.raises(ConfigError, match=r"hil-link rtt: .*theirs\.elf has not our harness"):
        plan("mps2-an386", image)
    plan("mps2-an386", None)
