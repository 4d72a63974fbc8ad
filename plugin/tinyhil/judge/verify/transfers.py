"""The raw log of a link, read again: which bytes went which way."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from pathlib import Path

from tinyhil.device.raw_lines import parsed
from tinyhil.judge.verify.findings import Findings
from tinyhil.record.packing import Transcript
from tinyhil.record.packing.transcript import Named, named
from tinyhil.record.reading import read_lines, read_whole
from tinyhil.record.sums import sum_of


@dataclass(frozen=True)
class Transfer:
    """Bytes that passed at once."""

    line: int
    """Number in the log, from 1."""
    seconds: float
    """On the host's clock since the link was opened."""
    to_device: bool
    data: bytes


@dataclass
class Log:
    """A raw log: what of it was packed, then what was not.

    Args:
        folder: of the run.
        name: path of the log below it, as it was written.
        material: samples of the data set by SHA-256; None: it is not at hand.
        findings: where lines that are not a transfer are noted.
    """

    folder: Path
    name: str
    material: Mapping[str, bytes] | None
    findings: Findings
    by_name: int = field(default=0, init=False)
    """Inputs whose bytes are not at hand."""
    parts: Set[bytes] = field(default_factory=frozenset, init=False)
    """See `Transcript.parts`."""

    def __post_init__(self) -> None:
        self._naming: Callable[[bytes], Named] = named

    def named(self, data: bytes) -> Named:
        """SHA-256 and CRC-32 of an input."""
        return self._naming(data)

    def transfers(self) -> Iterator[Transfer]:
        """What passed over the link, in its order.

        Raises:
            ConfigError: the log can't be read.
        """
        for number, line in self._lines():
            passed = parsed(line)
            if passed is None:
                torn = "" if line.endswith(b"\n") else ": it is torn"
                self.findings.add(self.name, number, f"is not a line of a raw log{torn}")
                continue
            yield Transfer(number, passed.seconds, passed.to_device, passed.data)

    def _lines(self) -> Iterator[tuple[int, bytes]]:
        path, packed = self.folder / self.name, self.folder / f"{self.name}.gz"
        last, heads = 0, list[str]()
        if packed.exists():
            transcript = Transcript(
                *(read_whole(packed), str(packed), self.material),
                lambda line, text: self.findings.add(f"{self.name}.gz", line, text),
            )
            self._naming = transcript.name
            for last, line in transcript.lines():
                yield last, line
            self.by_name, heads = transcript.by_name, transcript.heads
            self.parts = transcript.parts
        # A process that was killed between packing a log and removing it has left both.
        if path.exists() and not (heads and sum_of(path).sha256 == heads[-1]):
            for number, line in read_lines(path):
                yield last + number, line
