"""Frames of a raw log, decoded by a second version of the host's side of firmware/FRAMES.md."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass

from cobs import cobs

from tinyhil.judge.verify.answers import Answer
from tinyhil.judge.verify.findings import Findings
from tinyhil.record.packing.transcript import Named, named

_START, _DATA, _PING, _LEAVE, _RESULT = 0x01, 0x02, 0x03, 0x04, 0x12
_TIMED, _LAPS = 1, 4
_LONGEST = 8300
"""Bytes of a frame from the device, at least as many as the host would accept."""
_RESULT_HEAD = struct.Struct("<HIIQQBHH")


@dataclass(frozen=True)
class _Query:
    digest: bytes
    crc: int
    flags: int
    count: int
    warm_up: int
    nth: int
    asked_s: float


class Frames:
    """The frames of one log; what both sides sent, in their order.

    Args:
        log: path of the log below the run's folder.
        findings: where what the host can't have sent is noted.
        name: gives SHA-256 and CRC-32 of an input.
    """

    def __init__(
        self, log: str, findings: Findings, name: Callable[[bytes], Named] = named
    ) -> None:
        self.answers: list[Answer] = []
        self.damaged = 0
        """Frames from the device that came damaged."""
        self._log = log
        self._findings = findings
        self._name = name
        self._epoch = 0
        self._session: int | None = None
        self.now_s = 0.0
        """On the host's clock, of the transfer at hand."""
        self._start()

    @property
    def open(self) -> bool:
        """Whether a session has been started and not been left."""
        return self._session is not None

    def leave(self) -> None:
        """What comes from the device from here on is not a frame."""
        self._session = None

    def sent(self, line: int, data: bytes) -> None:
        """The host has sent these bytes, which are whole frames."""
        for raw in data.split(b"\0"):
            if raw:
                self._take_sent(line, raw)
        if not data.endswith(b"\0"):
            self._findings.add(self._log, line, "the host sends whole frames; this is not one")

    def came(self, line: int, data: bytes) -> None:
        """These bytes have come from the device."""
        if self._session is None:
            return
        *ended, rest = data.split(b"\0")
        for part in ended:
            self._held += part
            if self._held:
                self._take_frame(line, bytes(self._held))
            self._held.clear()
        self._held += rest
        del self._held[_LONGEST:]  # Too long for a frame: its CRC will tell.

    def _start(self, session: int | None = None) -> None:
        self._session = session
        self._epoch += 1
        self._held = bytearray()
        self._pieces = 0
        self._recent: dict[int, int] = {}  # CRC of pieces, by sequence number
        self._stream = bytearray()
        self._input = b""
        self._queries: list[_Query] = []
        self._answered = 0

    def _take_sent(self, line: int, raw: bytes) -> None:
        body = _open(raw, 0)
        if body and body[0] == _START and len(body) == 5:
            self._start(int.from_bytes(body[1:], "little"))
        elif body and body == bytes([_LEAVE]):
            self.leave()
        else:
            body = _open(raw, self._session) if self._session is not None else None
            if body and body[0] == _DATA and len(body) > 4:
                self._take_piece(line, int.from_bytes(body[2:4], "little"), body[4:])
            elif not body or body[0] != _PING or len(body) != 2:
                self._findings.add(self._log, line, "holds no frame that the host could have sent")

    def _take_piece(self, line: int, sequence: int, piece: bytes) -> None:
        """A piece of the stream of queries, new or sent again."""
        crc = zlib.crc32(piece)
        if sequence == self._pieces & 0xFFFF:
            self._recent[sequence] = crc
            self._recent.pop(self._pieces - 0x4000 & 0xFFFF, None)
            self._pieces += 1
            self._stream += piece
            self._parse(line)
        elif self._recent.get(sequence) != crc:
            self._findings.add(self._log, line, f"DATA {sequence} is out of order")

    def _parse(self, line: int) -> None:
        """Cut whole queries off the stream."""
        while True:
            stream = self._stream
            if len(stream) < 5 or (stream[0] & _TIMED and len(stream) < 11):
                return
            flags, size, keep = struct.unpack_from("<BHH", stream)
            head, warm_up, count = 5, 0, 1
            if flags & _TIMED:
                warm_up, count = struct.unpack_from("<HI", stream, 5)
                head = 11
            if keep > min(size, len(self._input)):
                self._findings.add(self._log, line, "a query keeps more than there is")
                keep = min(size, len(self._input))
            if len(stream) < head + size - keep:
                return
            before = self._input[len(self._input) - keep :] if keep else b""
            new = before + bytes(stream[head : head + size - keep])
            del stream[: head + size - keep]
            nth = self._queries[-1].nth + 1 if self._queries and new == self._input else 0
            self._input = new
            self._queries.append(_Query(*self._name(new), flags, count, warm_up, nth, self.now_s))

    def _take_frame(self, line: int, raw: bytes) -> None:
        assert self._session is not None
        body = _open(raw, self._session)
        if body is None:
            self.damaged += 1
        elif body[0] == _RESULT:
            self._take_result(line, body[1:])

    def _take_result(self, line: int, body: bytes) -> None:
        try:
            head = _RESULT_HEAD.unpack_from(body)
            _, number, crc, start, end, results, outputs, laps = head
            rest = struct.unpack(f"<{results}i{outputs}x{laps}I", body[_RESULT_HEAD.size :])
        except struct.error:
            self.damaged += 1
            return
        if number != self._answered:
            return  # Repeated, or after one that was lost: the host accepts neither.
        if number >= len(self._queries):
            self._findings.add(self._log, line, f"answers query {number}, which was not sent")
            return
        query = self._queries[number]
        self._answered += 1
        if crc != query.crc or end < start:
            return  # The host ends the measurement with an error.
        self.answers.append(
            Answer(
                log=self._log,
                line=line,
                epoch=self._epoch,
                digest=query.digest,
                timed=bool(query.flags & _TIMED),
                count=query.count,
                warm_up=query.warm_up,
                nth=query.nth,
                start=start,
                end=end,
                scores=tuple(number / 1000 for number in rest[:results]),
                laps=rest[results:] if query.flags & _LAPS else None,
                by_text=False,
                asked_s=query.asked_s,
                came_s=self.now_s,
            )
        )


def _closed(body: bytes, session: int) -> bytes:
    """A frame as it is on the wire, with an end before it."""
    summed = zlib.crc32(body, zlib.crc32(struct.pack("<I", session)))
    stuffed: bytes = cobs.encode(body + summed.to_bytes(4, "little"))
    return b"\0" + stuffed + b"\0"


LEAVE = _closed(bytes([_LEAVE]), 0)
"""The frame that brings a device back to text."""


def _open(raw: bytes, session: int) -> bytes | None:
    """The body of a frame of this session, or None."""
    try:
        checked: bytes = cobs.decode(raw)
    except cobs.DecodeError:
        return None
    body, crc = checked[:-4], checked[-4:]
    summed = zlib.crc32(body, zlib.crc32(struct.pack("<I", session)))
    return body if body and summed.to_bytes(4, "little") == crc else None
