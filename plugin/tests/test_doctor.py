"""``tinyhil doctor --board``: what each step finds, and where it stops on a wrong bench."""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from serial.tools.list_ports_common import ListPortInfo

from tinyhil import flash
from tinyhil.catalog.bench import stations
from tinyhil.catalog.board import Board, load_boards
from tinyhil.catalog.task import Task
from tinyhil.cli.bench import port as port_steps
from tinyhil.cli.bench import probe as probe_steps
from tinyhil.cli.bench import proposal, steps, usb
from tinyhil.cli.doctor import examine
from tinyhil.cli.main import main
from tinyhil.device import ports
from tinyhil.emulator.foreign.device import Fault, ForeignDevice
from tinyhil.emulator.native import NativeDevice, NativeFacts
from tinyhil.flash import FoundProbe
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import BenchError, ConfigError
from tinyhil.image.build import Firmware

from .replayed import PROGRAMS

ALL = (
    "probe", "permission", "target", "port", "latency timer", "connect", "flash", "read-back",
    "boot line", "protocol", "identity", "clock",
)  # fmt: skip
UID = "066BFF515055657867212134"


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No bench, no USB device and no lock of this machine."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TINYHIL_LOCKS", str(tmp_path / "locks"))
    monkeypatch.setattr(usb, "DEVICES", tmp_path / "sys")
    monkeypatch.setattr(usb, "NODES", tmp_path / "dev")


@pytest.fixture
def examined(capsys: pytest.CaptureFixture[str]) -> Any:
    """Calls the command; gives its exit status and its steps by name, all of which are told."""

    def call(*arguments: str) -> tuple[int, Mapping[str, Mapping[str, Any]]]:
        status = main(["doctor", *arguments, "--format", "json"])
        told = json.loads(capsys.readouterr().out)
        every = ("power", *ALL) if "--power" in arguments else ALL
        assert tuple(step["name"] for step in told["steps"]) == every
        states = [step["state"] for step in told["steps"]]
        if told["failed"]:
            place = states.index("failed")
            assert told["failed"] == every[place]
            assert set(states[place + 1 :]) <= {"not tried"}
            assert told["steps"][place]["advice"]
        assert status == (1 if told["failed"] else 0)
        return status, {step["name"]: step for step in told["steps"]}

    return call


def test_every_step_is_tried_on_an_emulated_board(
    examined: Any, stand_in_firmware: Firmware
) -> None:
    image = stand_in_firmware.image
    status, told = examined("--board", "mps2-an386", "--power", "--firmware", str(image.path))
    assert status == 0
    assert told["power"]["found"] == "it was switched off and on"
    assert {name: step["state"] for name, step in told.items()} == {
        **dict.fromkeys(("power", *ALL), "ok"), "latency timer": "left out"
    }  # fmt: skip
    size = sum(segment.size for segment in image.segments)
    assert told["flash"]["found"].startswith(f"{size} bytes in ")
    assert told["read-back"]["found"] == "equal to firmware.elf, byte by byte"
    assert told["boot line"]["found"] == "'m-timestamp-mode-performance'"
    assert image.build_id
    assert image.build_id[:12] in told["identity"]["found"]
    assert told["identity"]["found"].endswith("at the port and at the probe")


def test_power_is_not_switched_where_nobody_said_how(examined: Any) -> None:
    status, told = examined("--board", "nucleo-l4r5zi", "--port", "/dev/x", "--power")
    assert status == 1
    assert "nothing is known that switches the power" in told["power"]["found"]
    assert "table 'power'" in told["power"]["advice"]


@contextmanager
def foreign(**facts: Any) -> Iterator[ForeignDevice]:
    with ForeignDevice("kws01", lambda _: [0.5, 0.25], **facts) as device:
        yield device


def test_a_board_without_a_probe_is_looked_at_over_its_port(examined: Any, kws01: Task) -> None:
    with NativeDevice(NativeFacts(kws01), PROGRAMS) as device:
        status, told = examined("--board", "nucleo-l4r5zi", "--port", device.port)
    assert status == 0
    found = [name for name, step in told.items() if step["state"] == "ok"]
    assert found == ["port", "protocol", "identity", "clock"]
    assert told["probe"]["found"] == "this station has no probe"
    assert re.fullmatch(
        r"[+-]\d+\.\d\d% against the host's, known to \d+\.\d\d%", told["clock"]["found"]
    )


def test_another_firmware_than_the_image_is_told_with_both_builds(
    examined: Any, kws01: Task, stand_in_firmware: Firmware
) -> None:
    image = stand_in_firmware.image
    assert image.build_id
    with NativeDevice(NativeFacts(kws01, build_id="ab" * 20), PROGRAMS) as device:
        _, told = examined(
            *("--board", "nucleo-l4r5zi", "--port", device.port, "--firmware", str(image.path))
        )
    assert told["identity"]["found"] == (
        f"another firmware answers: build abababababab, the image is {image.build_id[:12]}"
    )


def test_a_slow_clock_is_told_with_both_times(
    examined: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(port_steps, "_CLOCK_S", 0.2)
    with foreign() as device:  # Its clock goes on by commands alone.
        _, told = examined("--board", "nucleo-l4r5zi", "--port", device.port)
    assert told["identity"]["found"] == (
        "elsewhere, firmware for kws01, which speaks the official protocol"
    )
    assert told["clock"]["state"] == "failed"
    assert "the device's clock counted 0.0" in told["clock"]["found"]
    assert "'clock_hz'" in told["clock"]["advice"]


@pytest.mark.parametrize("fault", ["silence", "endless-line", "unplugged"])
def test_a_port_that_does_not_speak_is_told_in_time(
    examined: Any, monkeypatch: pytest.MonkeyPatch, fault: Any
) -> None:
    monkeypatch.setattr(port_steps, "_SYNCHRONIZE_S", 1.0)
    monkeypatch.setattr("tinyhil.device.links.serial._RETURN_S", 0.2)
    with foreign(faults=[Fault(fault, "", lasting=True)]) as device:
        _, told = examined("--board", "nucleo-l4r5zi", "--port", device.port)
    assert told["protocol"]["state"] == "failed"
    assert told["protocol"]["seconds"] < 10


def test_a_port_that_is_missing_lists_those_that_are_there(examined: Any) -> None:
    _, told = examined("--board", "nucleo-l4r5zi", "--port", "/dev/nowhere")
    assert told["port"]["state"] == "failed"
    assert "there is no /dev/nowhere; there: " in told["port"]["found"]


def test_a_port_that_may_not_be_opened_names_its_group(
    examined: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    with foreign() as device:
        _, told = examined("--board", "nucleo-l4r5zi", "--port", device.port)
    assert f"you may not open {device.port}" in told["port"]["found"]
    assert "sudo usermod -aG " in told["port"]["advice"]
    assert "tinyhil doctor --udev | sudo tee /etc/udev/rules.d/" in told["port"]["advice"]


def test_a_probe_that_is_missing_lists_those_that_are_there(
    examined: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = FoundProbe("0667FF", "STM32 STLink", "", False)
    monkeypatch.setattr(probe_steps, "probes", lambda: (there,))
    _, told = examined("--board", "nucleo-l4r5zi", "--probe", UID, "--port", "/dev/nowhere")
    assert told["probe"]["found"] == f"no debug probe '{UID}'; there: 0667FF"


@pytest.fixture
def plugged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The node of a probe that the system knows of; pyOCD finds none."""
    device, node = tmp_path / "sys" / "1-2", tmp_path / "dev" / "001" / "009"
    for path in (device, node.parent):
        path.mkdir(parents=True)
    (tmp_path / "sys" / "usb1").mkdir()
    facts = {"serial": UID, "busnum": 1, "devnum": 9, "idVendor": "0483", "idProduct": "374b",
             "product": "STM32 STLink"}  # fmt: skip
    for name, value in facts.items():
        (device / name).write_text(f"{value}\n")
    node.touch()
    monkeypatch.setattr(probe_steps, "probes", lambda: ())
    return node


def test_a_probe_that_may_not_be_opened_names_the_rules(
    examined: Any, plugged: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, _: path != plugged)
    _, told = examined("--board", "nucleo-l4r5zi", "--probe", UID, "--port", "/dev/nowhere")
    assert told["probe"]["found"] == f"{UID}: STM32 STLink (USB 0483:374b)"
    assert str(plugged) in told["permission"]["found"]
    assert "tinyhil doctor --udev | sudo tee" in told["permission"]["advice"]


@pytest.mark.usefixtures("plugged")
def test_a_probe_that_another_program_holds_is_told(examined: Any) -> None:
    _, told = examined("--board", "nucleo-l4r5zi", "--probe", UID, "--port", "/dev/nowhere")
    assert "pyOCD does not find it" in told["permission"]["found"]


def test_a_target_that_is_unknown_says_how_to_get_its_pack(
    examined: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe_steps, "probes", lambda: (FoundProbe(UID, "x", "", False),))
    _, told = examined("--board", "nucleo-l4r5zi", "--probe", UID, "--port", "/dev/nowhere")
    assert told["target"]["found"] == "pyOCD does not know the target 'stm32l4r5zitx'"
    assert "pyocd pack install stm32l4r5zitx" in told["target"]["advice"]


def test_where_a_target_is_from_is_told(tmp_path: Path) -> None:
    def board(**facts: str) -> Board:
        found = load_boards()["nucleo-l4r5zi"]
        return found.model_copy(update={"flash": found.flash.model_copy(update=facts)})

    assert flash.where_target_is_from(board(target="STM32L475XG")) == "built into pyOCD"
    (tmp_path / "wrong.pack").write_text("no pack")
    with pytest.raises(ConfigError, match=r"wrong\.pack' cannot be read"):
        flash.where_target_is_from(board(pack=str(tmp_path / "wrong.pack")))


class Held:
    """A flasher, and an observer, of a board whose flash has these first bytes."""

    def __init__(self, head: bytes) -> None:
        self._head = head

    def read(self, _: int, count: int) -> bytes:
        return self._head[:count]

    def first_difference(self, *_: object) -> int | None:
        return 0x0800_0010

    def __enter__(self) -> Held:
        return self

    def __exit__(self, *error: object) -> None: ...

    def close(self) -> None: ...

    def flash(self, *_: object) -> None:
        raise AssertionError("nobody has asked for it")


@pytest.mark.parametrize(
    ("head", "text"),
    [
        (b"\xff" * 8, "the flash is empty"),
        (b"\x12\x34\x56\x78" * 2, "the flash holds no image for this memory map"),
        (bytes.fromhex("0000022081010008"), "does not answer"),
    ],
)
def test_what_a_board_holds_is_looked_at_and_left_alone(
    examined: Any, monkeypatch: pytest.MonkeyPatch, head: bytes, text: str
) -> None:
    def not_reset(*_: object) -> None:
        raise BenchError("the probe does not answer", hint="look at it")

    monkeypatch.setattr(probe_steps, "probes", lambda: (FoundProbe(UID, "x", "", False),))
    monkeypatch.setattr(probe_steps, "where_target_is_from", lambda _: "built in")
    monkeypatch.setattr(probe_steps, "open_flasher", lambda *_: Held(head))
    monkeypatch.setattr(probe_steps, "observing", lambda *_: Held(head))
    monkeypatch.setattr(port_steps, "reset", not_reset)
    with foreign() as device:
        _, told = examined("--board", "nucleo-l4r5zi", "--probe", UID, "--port", device.port)
    assert told["flash"]["state"] == "left out"
    assert "--flash" in told["flash"]["found"]
    (failed,) = (step for step in told.values() if step["state"] == "failed")
    assert text in failed["found"]
    if text == "does not answer":
        assert told["read-back"]["found"].startswith("an image is there: stack from 0x20020000")


def test_a_board_that_holds_another_image_says_how_to_put_this_one_there(
    examined: Any, monkeypatch: pytest.MonkeyPatch, stand_in_firmware: Firmware
) -> None:
    monkeypatch.setattr(probe_steps, "probes", lambda: (FoundProbe(UID, "x", "", False),))
    monkeypatch.setattr(probe_steps, "where_target_is_from", lambda _: "built in")
    monkeypatch.setattr(probe_steps, "open_flasher", lambda *_: Held(b""))
    monkeypatch.setattr(probe_steps, "observing", lambda *_: Held(b""))
    image = str(stand_in_firmware.image.path)
    with foreign() as device:
        _, told = examined(
            *("--board", "nucleo-l4r5zi", "--probe", UID, "--port", device.port),
            *("--firmware", image),
        )
    assert told["read-back"]["found"] == (
        "the board does not hold firmware.elf: first difference at 0x08000010"
    )
    assert told["read-back"]["advice"].startswith("give --flash")


def test_a_step_that_hangs_ends_with_its_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "GRACE_S", 0.05)
    free = threading.Event()

    def hang(_: Deadline) -> str:
        free.wait(60)
        return "late"

    trials = [steps.Trial("one", 0.05, hang), steps.Trial("two", 1, lambda _: "never")]
    one, two = steps.tried(trials, lambda: None)
    free.set()
    assert (one.state, two.state) == ("failed", "not tried")
    assert one.found == "was not done in 0.05 s, and does not answer"


def test_other_systems_than_linux_do_not_miss_what_they_can_not_have(
    monkeypatch: pytest.MonkeyPatch, mps2: Board
) -> None:
    monkeypatch.setattr("tinyhil.cli.doctor.LINUX", False)
    (check,) = (one for one in examine({"x": mps2}) if one.thing == "qemu-system-arm")
    assert (check.missing, check.advice) == (False, "needs Linux, or Windows' WSL")


def test_what_a_driver_raises_is_a_line_too() -> None:
    def fail(_: Deadline) -> str:
        raise ValueError("bytes \x1b[2J")

    (step,) = steps.tried([steps.Trial("one", 1, fail)], lambda: None)
    assert step.found.startswith("ValueError: bytes ")
    assert "\x1b" not in step.found


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("--board", "nowhere"), "no station 'nowhere'; known: "),
        (("--board", "nucleo-l4r5zi"), "is a board type, and no station of it is known"),
        (("--flash",), "option --flash: of which board?"),
        (("--board", ""), "no station ''; known: "),
        (("--board", "mps2-an386", "--port", "COM3"), "'mps2-an386' is played by QEMU alone"),
        (("--board", "microbit", "--port", "usb:zz"), "'usb:zz' does not name a USB device"),
        (("--board", "microbit", "--port", "COM3", "--probe", "remote:x"), "form remote:HOST:PORT"),
        (("--board", "mps2-an386", "--firmware", "x.elf"), "x.elf is not a file"),
    ],
)
def test_a_wrong_option_is_told_before_anything_is_tried(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], text: str
) -> None:
    assert main(["doctor", *arguments]) == 2
    assert text in capsys.readouterr().err


def test_the_udev_rules_are_printed_as_they_are_installed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["doctor", "--udev"]) == 0
    said = capsys.readouterr().out
    assert said == probe_steps.RULES.read_text(encoding="utf-8")
    rules = [line for line in said.splitlines() if line and not line.startswith("#")]
    for rule in rules:
        assert re.fullmatch(r'(\w+(\{\w+\})?(==|\+?=)"[^"]*"(, |$))+', rule), rule
    assert probe_steps.RULES.name in probe_steps.INSTALL_RULES
    assert "sudo udevadm control --reload && sudo udevadm trigger" in probe_steps.INSTALL_RULES


def info(device: str, serial: str | None, location: str = "1-2:1.2") -> ListPortInfo:
    made = ListPortInfo(device)
    made.vid, made.pid, made.serial_number, made.location = 0x0483, 0x374B, serial, location
    made.description = "STM32 STLink"
    return made


PROBES = (
    FoundProbe(UID, "STM32 STLink", "stm32l4r5zitx", False),  # Found twice, as by two drivers.
    FoundProbe(UID, "STM32 STLink", "stm32l4r5zitx", False),
    FoundProbe("0240000034", "DAPLink", "", False),
    FoundProbe("mps2-an386.00000000", "virtual", "", True),
)
ST_LINK = FoundProbe("0764000034", "STM32 STLink", "stm32l475xg", False)
"""Of a board that QEMU plays too."""


def test_a_bench_file_is_proposed_and_valid_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = [
        info("/dev/ttyACM0", UID.lower()),
        info("/dev/ttyACM1", UID.lower(), "1-2:1.4"),
        info("/dev/ttyUSB0", "A50285BI"),
        ListPortInfo("/dev/ttyS0"),
    ]
    monkeypatch.setattr(ports, "_there", lambda: there)
    found = proposal.places((*PROBES, ST_LINK), [*there, info("/dev/ttyACM2", ST_LINK.uid)])
    text = proposal.bench_file(found, load_boards(), None)
    (tmp_path / "bench.toml").write_text(text, encoding="utf-8")
    known = stations(load_boards(), tmp_path / "bench.toml")
    name, other = (name for name, station in known.items() if station.wiring)
    assert (other, known[other].board.emulated) == ("b-l475e-iot01a-3", False)
    wiring = known[name].wiring
    assert wiring
    assert (name, wiring.probe) == ("nucleo-l4r5zi-1", UID)
    assert wiring.port == f"serial:{UID.lower()}:2"
    assert f'# or: port = "serial:{UID.lower()}:4"' in text
    assert '# probe = "0240000034"' in text
    assert '# port = "serial:a50285bi"' in text
    assert "mps2-an386" not in text
    assert "ttyS0" not in text


def test_write_replaces_nothing_and_takes_the_users_word_for_the_board(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(flash, "probes", lambda: PROBES[2:])
    monkeypatch.setattr(
        "serial.tools.list_ports.comports", lambda: [info("/dev/ttyACM0", "240000034")]
    )
    arguments = ["doctor", "--write", "--board", "nucleo-l4r5zi", "--format", "json"]
    assert main(arguments) == 0
    assert json.loads(capsys.readouterr().out)["stations"] == 1
    known = stations(load_boards(), Path("bench.toml"))
    wiring = known["nucleo-l4r5zi-1"].wiring
    assert wiring
    assert wiring.probe == "0240000034"
    assert main(arguments) == 2
    assert "bench.toml: is there already" in capsys.readouterr().err
    os.unlink("bench.toml")  # noqa: PTH108
    assert main(["doctor", "--write", "--board", "mps2-an386"]) == 2
    assert "no physical board type 'mps2-an386'; known: b-l475e-iot01a" in capsys.readouterr().err
    assert main(["doctor", "--write", "--board", "b-l475e-iot01a"]) == 0
    assert "b-l475e-iot01a-1" in stations(load_boards(), Path("bench.toml"))
