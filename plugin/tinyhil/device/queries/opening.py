"""Chooses the way to ask a device: frames where it speaks them, else text."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tinyhil.device.dut import Dut
from tinyhil.device.info import DeviceInfo
from tinyhil.device.links import Link, has_frames_apart, open_frames
from tinyhil.device.queries import Queries
from tinyhil.device.queries.framed import FramedQueries
from tinyhil.device.queries.rate import Rate
from tinyhil.device.queries.text import TextQueries
from tinyhil.device.session import Session
from tinyhil.ground.errors import ConfigError
from tinyhil.image.elf import Image

Tap = Callable[[Link, str], Link]
"""Wraps an opened link, whose name is given, so that what passes is kept, for example."""


@contextmanager
def asking(
    session: Session,
    info: DeviceInfo,
    dut: Dut,
    image: Image | None,
    link: str,
    *,
    tap: Tap = lambda link, _: link,
    read_back: float = 0.0,
) -> Iterator[Queries]:
    """The best way to ask a device.

    Args:
        session: a synchronized session.
        info: what the device said about itself.
        dut: the device.
        image: what runs on it; None where nobody has seen it, so that frames can't take the probe.
        link: kind of link that frames take, see `links.names`.
        tap: wraps a link that is opened on the way.
        read_back: see `TextQueries`.

    Raises:
        BenchError, FirmwareError: the link can't be opened.
        ConfigError: it needs an image, and there is none.
        LinkError, DeviceError: see `Queries`.
    """
    if info.extension is None:
        emulated = dut.board.emulated
        yield TextQueries(session, read_back=read_back, baud=dut.baud, virtual=emulated)
        return

    def open_link() -> Link:
        if image is None:
            raise ConfigError(
                f"the link '{link}' needs the image that runs on the board",
                hint="give it with --hil-firmware, or leave --hil-link out",
            )
        return tap(open_frames(link, dut, image), link)

    over_wire = not has_frames_apart(link)
    rate = Rate(session, dut.baud, dut.baud_max) if over_wire else None
    with FramedQueries(session, info, None if over_wire else open_link, rate=rate) as queries:
        yield queries
