"""What a device says about itself."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Identity:
    """Which build of our own firmware answers, and since when."""

    build_id: str
    """40 hex digits, which the linker made of the image's content."""
    token: str
    """16 hex digits that the host gave; all 0 when the device has restarted since."""


@dataclass(frozen=True)
class Running:
    """How the board runs, as its registers read."""

    core_hz: int
    core_clock: str
    """Where it comes from."""
    lap_clock: str
    """What counts the ticks of an inference."""
    wait_states: int | None
    """Of the flash; None: nothing sets them."""
    speedups: tuple[str, ...]
    """What is on: ``prefetch``, ``icache``, ``dcache``, ``lob`` (low-overhead branches)."""


@dataclass(frozen=True)
class Extension:
    """What our own firmware reports beyond the official protocol."""

    tick_hz: int
    lap_capacity: int
    """Inferences of one `infer` whose times the device keeps."""
    arena_bytes: int
    received_lost: int
    """Bytes that the device's receive queue had to drop since boot."""
    model_sha256: str
    build_id: str
    """See `Identity`."""
    running: Running | None = None
    """None: the board's port does not tell it."""

    @property
    def counts_cycles(self) -> bool:
        """Whether a tick is a clock of the core."""
        return self.running is not None and self.running.core_hz == self.tick_hz


@dataclass(frozen=True)
class DeviceInfo:
    """Who answers at the other end."""

    vendor: str
    profile: str
    task: str
    """Task that the firmware was built for."""
    extension: Extension | None
    """None for a firmware that speaks only the official protocol."""


@dataclass(frozen=True)
class StackUse:
    """Stack of the DUT, in bytes: its high-water mark since boot, and what is reserved."""

    used_bytes: int
    reserved_bytes: int
