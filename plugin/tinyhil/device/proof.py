"""Proof that a station's port and its probe lead to one board, and that it holds the image."""

from __future__ import annotations

import time

from tinyhil.catalog.identity import called
from tinyhil.device.dut import Dut
from tinyhil.device.session import Session
from tinyhil.flash import observing
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import IdentityError, LinkTimeoutError
from tinyhil.image.elf import Image

_TOKEN = "hil_token"  # noqa: S105 - a symbol of the firmware
_COMPARE_S = 120.0
_ANSWER_S = 5.0
_LEAST_SILENCE_S, _MOST_SILENCE_S = 0.3, 3.0
"""How long nothing must come from a halted board."""
_QUIET_S = 0.1
_BOOT_S = 20.0

WIRING_HINT = (
    "correct 'probe' or 'port' of this station in the bench file: `pyocd list` shows the probes, "
    "`python -m serial.tools.list_ports -v` the ports"
)


class ProbeProof:
    """A `Proof` by the station's own debug probe.

    Args:
        dut: the board; its probe must be free whenever something is to be proven.
        image: that was flashed.
    """

    def __init__(self, dut: Dut, image: Image) -> None:
        self._dut = dut
        self._image = image

    @property
    def knows_token(self) -> bool:
        """Whether the image tells where its firmware keeps a token."""
        return _TOKEN in self._image.symbols

    def of_token(self, token: str) -> None:
        """See `Proof.of_token`."""
        wanted, symbol = bytes.fromhex(token), self._image.symbol(_TOKEN)
        with observing(self._dut.board, self._dut.probe_uid) as board:
            if board.read(symbol.address, len(wanted)) != wanted:
                raise self._apart(
                    "what was sent over the port is not in the memory that the probe reads"
                )

    def of_image(self) -> None:
        """See `Proof.of_image`."""
        with observing(self._dut.board, self._dut.probe_uid) as board:
            differs = board.first_difference(self._image, Deadline.after(_COMPARE_S))
        if differs is not None:
            raise IdentityError(
                f"the board no longer holds the image: first difference at {differs:#010x}",
                hint="somebody else has flashed this board: see who uses it, then measure again; "
                "nothing that was measured since the last check is kept",
            )

    def of_silence(self, session: Session) -> None:
        """For a firmware without a token: a core that is halted must silence the port.

        The board is reset afterwards: its receiver may have overrun during that time.

        Args:
            session: synchronized; it is again when this returns.

        Raises:
            IdentityError: the port still answers.
            BenchError: the probe failed.
            LinkError, DeviceError: see `Session`.
        """
        asked = time.monotonic()
        session.ask("name%", Deadline.after(_ANSWER_S))
        took_s = time.monotonic() - asked
        silence_s = min(_MOST_SILENCE_S, max(_LEAST_SILENCE_S, 10 * took_s))
        if session.guard:
            session.guard.expect_boot()
        with observing(self._dut.board, self._dut.probe_uid) as board, board.halted():
            self._drain(session)
            session.link.write(b"name%", Deadline.after(_ANSWER_S))
            try:
                session.link.read(Deadline.after(silence_s))
            except LinkTimeoutError:
                pass
            else:
                raise self._apart("the port still answers while the board is halted")
        session.synchronize(Deadline.after(_BOOT_S))

    def _drain(self, session: Session) -> None:
        """Take what was on its way when the core stopped."""
        deadline = Deadline.after(_ANSWER_S)
        try:
            while not deadline.expired:
                session.link.read(Deadline.after(_QUIET_S))
        except LinkTimeoutError:
            return

    def _apart(self, why: str) -> IdentityError:
        probe, port = called(self._dut.probe_uid), called(self._dut.serial_url)
        return IdentityError(
            f"probe {probe} and port {port} do not lead to the same board: {why}",
            hint=WIRING_HINT,
        )
