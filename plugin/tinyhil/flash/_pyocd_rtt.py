"""SEGGER RTT through pyOCD: bytes into a running board's memory, by its debug probe."""

from __future__ import annotations

from contextlib import ExitStack
from types import TracebackType
from typing import Self

from pyocd.core.session import Session
from pyocd.debug.rtt import RTTControlBlock, RTTDownChannel

from tinyhil.board import Board
from tinyhil.deadline import Deadline
from tinyhil.errors import BenchError, LinkTimeoutError
from tinyhil.flash._pyocd_errors import Warnings, translated
from tinyhil.flash.pyocd import find_probe, session_options


class RttSender:
    """The first down channel of a board's RTT control block; a context manager.

    The core runs on all the while. Nothing is ever read but the channel's own offsets, and those
    only while a sample is on its way: the probe is not polled during inferences.

    Raises:
        BenchError: the probe is missing, taken or dead, or there is no control block.
    """

    def __init__(self, board: Board, probe_uid: str, control_block: int) -> None:
        self._board = board
        self._probe_uid = probe_uid
        with ExitStack() as undo:
            self._warnings = Warnings()
            undo.callback(self._warnings.close)
            with translated("connecting", board.name, probe_uid, self._warnings, "upload"):
                options = session_options(board, board.flash.frequency_hz, "attach")
                self._session = Session(find_probe(probe_uid), options=options)
                undo.callback(self._session.close)
                self._session.open()
            self._channel = self._find_channel(control_block)
            undo.pop_all()

    def _find_channel(self, address: int) -> RTTDownChannel:
        try:
            with translated(
                "finding RTT", self._board.name, self._probe_uid, self._warnings, "upload"
            ):
                block = RTTControlBlock.from_target(self._session.target, address=address, size=0)
                block.start()
                return block.down_channels[0]
        except (IndexError, BenchError) as error:
            raise BenchError(
                f"there is no RTT channel at {address:#010x}",
                hint="the firmware has not booted, or has no RTT: use --hil-link serial",
                board=self._board.name,
                stage="upload",
            ) from error

    def send(self, data: bytes, deadline: Deadline) -> None:
        """Put all of `data` into the channel, as fast as the device takes it out.

        Raises:
            LinkTimeoutError: it did not take all before the deadline.
            BenchError: the probe or the board failed.
        """
        with translated("sending", self._board.name, self._probe_uid, self._warnings, "upload"):
            left = data
            while left:
                # Whole words: an odd piece would leave all later ones unaligned, which the debug
                # port moves byte by byte. The last byte of the channel always stays empty.
                room = (self._channel.bytes_free - 1) & ~3
                left = left[self._channel.write(left[:room]) :]
                if left and deadline.expired:
                    raise LinkTimeoutError(
                        f"the device took {len(data) - len(left)} of {len(data)} bytes from its "
                        f"RTT channel in {deadline.seconds:.3g} s",
                        hint="check that the firmware runs; see the raw log",
                    )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._session.close()
        self._warnings.close()
