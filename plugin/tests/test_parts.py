"""Links, flashers and monitors of the user's own: those of the documentation, as an installed
package."""

from __future__ import annotations

import hashlib
import socket
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tinyhil import flash
from tinyhil.catalog.board import FlashFacts, load_boards
from tinyhil.device import links
from tinyhil.device.dut import Dut
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import BenchError, ConfigError, LinkError, LinkTimeoutError, MonitorError
from tinyhil.ground.parts import Parts
from tinyhil.ground.paths import ROOT
from tinyhil.image.elf import Image, Segment
from tinyhil.measure import monitors
from tinyhil.pytest_side.plan import Options, make_plan

from .documented import blocks

BOARD = load_boards()["nucleo-l4r5zi"]


def install(site: Path, name: str, points: str) -> None:
    """Write what an installer writes of a package's entry points."""
    info = site / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(points)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of installed packages, with that of the page."""
    site = tmp_path / "site"
    groups: dict[str, dict[str, str]] = {}
    for block in blocks(ROOT / "docs" / "your-parts.md"):
        path = site / Path(block.title).relative_to("parts")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text, encoding="utf-8")
        if path.name == "pyproject.toml":
            groups = tomllib.loads(block.text)["project"]["entry-points"]
    lines = [f"[{group}]\n{name} = {value}\n" for group, points in groups.items()
             for name, value in points.items()]  # fmt: skip
    install(site, "lab_parts", "".join(lines))
    monkeypatch.syspath_prepend(str(site))
    yield site
    for name in [name for name in sys.modules if name.split(".")[0] in ("lab_parts", "other")]:
        del sys.modules[name]


def dut(port: str) -> Dut:
    return Dut("desk", BOARD, "", port, 115200, 115200)


@pytest.mark.usefixtures("site")
def test_a_link_of_another_package_carries_bytes_and_tells_its_faults() -> None:
    assert links.names() == ("relay", "rtt", "serial")
    assert [links.has_frames_apart(name) for name in links.names()] == [False, True, False]
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = f"relay://127.0.0.1:{server.getsockname()[1]}"
        link = links.open_link("relay", dut(port), Deadline.after(5))
        relay, _ = server.accept()
        with relay:
            link.write(b"name%", Deadline.after(5))
            assert relay.recv(100) == b"name%"
            assert link.poll() == b""
            with pytest.raises(LinkTimeoutError, match="nothing came"):
                link.read(Deadline.after(0.01))
            relay.sendall(b"m-ready\r\n")
            assert link.read(Deadline.after(5)) == b"m-ready\r\n"
        with pytest.raises(LinkError, match="hung up"):
            link.read(Deadline.after(5))
        link.close()
    with pytest.raises(BenchError, match="no relay at"):
        links.open_link("relay", dut(port))


def planned(tmp_path: Path, link: str) -> None:
    make_plan(Options((), None, None, None, link, False, False, 0, None, tmp_path, tmp_path))


def test_the_option_takes_a_link_of_another_package(site: Path, tmp_path: Path) -> None:
    planned(tmp_path, "relay")
    with pytest.raises(ConfigError, match="no link 'relais'; known: auto, relay, rtt, serial"):
        planned(tmp_path, "relais")
    install(site, "other", "[tinyhil.links]\nbroken = other.nowhere\n")
    with pytest.raises(ConfigError, match=r"'broken' cannot be loaded from 'other\.nowhere'"):
        planned(tmp_path, "broken")


def test_a_flasher_of_another_package_gets_the_image_and_its_own_keys(
    site: Path, tmp_path: Path
) -> None:
    segments = (Segment(0x0800_0000, b"code"), Segment(0x0800_1000, b"more"))
    image = Image(Path("x.elf"), hashlib.sha256().hexdigest(), 0, segments, {}, 8, 0, 0)
    facts = FlashFacts(method="bootloader", options={"folder": str(tmp_path)})
    board = BOARD.model_copy(update={"flash": facts})
    assert flash.flash(image, board, "", Deadline.after(5)).image_bytes == 8
    assert (tmp_path / "08001000.bin").read_bytes() == b"more"
    facts = FlashFacts(method="bootloader", options={"folder": str(site / "nowhere")})
    with pytest.raises(BenchError, match="not taken: "):
        flash.flash(image, board.model_copy(update={"flash": facts}), "", Deadline.after(5))
    with pytest.raises(ConfigError, match="no flash method 'boot'; known: bootloader, command"):
        flash.check_method("boot")


def test_a_monitor_of_another_package_is_a_kind_by_its_entry_point(
    site: Path, tmp_path: Path
) -> None:
    assert {"shunt", "lpm01a"} <= set(monitors.names())
    assert "shunt" not in monitors.own_options(), "the reference has what comes with tinyhil"
    trace = tmp_path / "volts"
    trace.write_bytes(b"")
    table = {"kind": "shunt", "volts": 2.0, "file": str(trace), "ohms": 0.5}
    with pytest.raises(ConfigError, match=r"bench: unknown key 'ohm'; known keys here: accuracy,"):
        monitors.options_of({**table, "ohm": 1}, "bench")
    monitor = monitors.open_monitor(monitors.options_of(table, "bench"), Deadline.after(1))
    monitor.start(Deadline.after(1))
    assert monitor.read(Deadline.after(0.01)) is monitors.EMPTY
    trace.write_bytes(np.array([0.001, 0.002], np.float32).tobytes())
    assert monitor.read(Deadline.after(1)).power_w.tolist() == pytest.approx([0.004, 0.008])
    monitor.close()
    missing = monitors.options_of({**table, "file": str(site / "none")}, "bench")
    with pytest.raises(MonitorError, match="none: "):
        monitors.open_monitor(missing, Deadline.after(1))


@pytest.mark.parametrize(
    ("points", "text"),
    [
        ("serial = lab_parts.relay", "brought by several: tinyhil itself, lab_parts.relay"),
        ("relay = other.relay", "brought by several: lab_parts.relay, other.relay"),
        ("shunt = lab_parts.shunt", "is 'lab_parts.shunt', which lacks open_link"),
        ("raises = other", "cannot be loaded from 'other': RuntimeError: at home"),
    ],
)
def test_an_entry_point_that_is_wrong_is_named(site: Path, points: str, text: str) -> None:
    (site / "other.py").write_text("raise RuntimeError('at home')\n")
    install(site, "other", f"[tinyhil.links]\n{points}\n")
    with pytest.raises(ConfigError) as raised:
        links.KINDS.load(points.split(maxsplit=1)[0])
    assert text in raised.value.message
    assert raised.value.message.endswith("(group tinyhil.links)")
    assert raised.value.hint


def test_a_package_that_is_found_twice_is_one(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As by an editable install beside a built one."""
    install(site / "again", "lab_parts", "[tinyhil.links]\nrelay = lab_parts.relay\n")
    monkeypatch.syspath_prepend(str(site / "again"))
    assert isinstance(links.KINDS, Parts)
    assert hasattr(links.KINDS.load("relay"), "open_link")
