"""Raw logs without the samples that stand in the data set anyway: ``raw/<name>.log.gz``.

What the host sends is nearly all of a log, and nearly all of that is samples. A packed log names
each by the SHA-256 of its file, and keeps what differs. It is gzip of lines: those of the log, but
for transfers that carry samples, and before these the lines that say what they carry. With the data
set it unpacks to the very bytes of the log, whose SHA-256 stands in its first line; without it, who
sent what when, and each answer, are there all the same. Its lines: reports/RECORD.md.
"""

from tinyhil.record.packing.known import Known
from tinyhil.record.packing.transcript import Transcript
from tinyhil.record.packing.writer import is_long, pack

__all__ = ["Known", "Transcript", "is_long", "pack"]
