"""The device protocol without I/O: bytes in, messages out; commands as text.

Source: the public reference firmware and runner of MLPerf Tiny (``mlcommons/tiny``) and logs of
real sessions.
"""

from tinyhil.protocol.commands import (
    PIECE_BYTES,
    db_expansion,
    db_load,
    db_pieces,
    infer,
    laps,
    load_through,
)
from tinyhil.protocol.lines import Damaged, Line, LineReader
from tinyhil.protocol.messages import (
    BufferBytes,
    DeviceComplaint,
    Expecting,
    HilLaps,
    HilOutput,
    HilText,
    HilValue,
    InferDone,
    InferStart,
    InitDone,
    LapUs,
    LoadDone,
    Message,
    ModelName,
    Name,
    Other,
    Profile,
    Ready,
    Results,
    TimestampMode,
    WarmupDone,
    WarmupStart,
    parse,
)
from tinyhil.protocol.reply import Reply
from tinyhil.protocol.text import printable

__all__ = [
    "PIECE_BYTES",
    "BufferBytes",
    "Damaged",
    "DeviceComplaint",
    "Expecting",
    "HilLaps",
    "HilOutput",
    "HilText",
    "HilValue",
    "InferDone",
    "InferStart",
    "InitDone",
    "LapUs",
    "Line",
    "LineReader",
    "LoadDone",
    "Message",
    "ModelName",
    "Name",
    "Other",
    "Profile",
    "Ready",
    "Reply",
    "Results",
    "TimestampMode",
    "WarmupDone",
    "WarmupStart",
    "db_expansion",
    "db_load",
    "db_pieces",
    "infer",
    "laps",
    "load_through",
    "parse",
    "printable",
]
