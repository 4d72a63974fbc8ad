"""The latency timer of a USB adapter, with the system's files played by a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from tinyhil.device import adapter


class Port:
    """A port whose driver takes the request, or has no such thing."""

    def __init__(self, timer: Path | None) -> None:
        self._timer = timer

    def set_low_latency_mode(self, low_latency_settings: bool) -> None:
        if self._timer is None or not low_latency_settings:
            raise ValueError("Failed to update ASYNC_LOW_LATENCY")
        self._timer.write_text("1\n")


@pytest.fixture
def timer(tmp_path: Path) -> Path:
    path = tmp_path / "ttyUSB7" / "latency_timer"
    path.parent.mkdir()
    path.write_text("16\n")
    return path


@pytest.mark.parametrize("by_driver", [True, False])
def test_the_timer_is_lowered_by_the_driver_or_else_by_its_file(
    timer: Path, tmp_path: Path, by_driver: bool
) -> None:
    assert adapter.advice("/dev/ttyUSB7", tmp_path) is not None
    port = Port(timer if by_driver else None)
    assert adapter.lower(port, "/dev/ttyUSB7", tmp_path) == 1
    assert adapter.advice("/dev/ttyUSB7", tmp_path) is None


def test_what_can_not_be_lowered_is_told_with_what_to_do(
    timer: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path, text: str) -> int:
        raise PermissionError(13, f"{self}: {text}")

    monkeypatch.setattr(Path, "write_text", refuse)
    assert adapter.lower(Port(None), "/dev/ttyUSB7", tmp_path) == 16
    told = adapter.advice("/dev/ttyUSB7", tmp_path)
    assert told is not None
    assert "holds each answer for 16 ms" in told
    assert f"tee {timer}" in told


def test_a_port_without_a_timer_is_left_alone(tmp_path: Path) -> None:
    assert adapter.lower(Port(None), "/dev/ttyACM0", tmp_path) is None
    assert adapter.advice("/dev/ttyACM0", tmp_path) is None
