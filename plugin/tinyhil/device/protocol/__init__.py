"""The device protocol without I/O: bytes in, messages out; commands as text.

Source: the public reference firmware and runner of MLPerf Tiny (``mlcommons/tiny``) and logs of
real sessions.
"""

from tinyhil.device.protocol.commands import (
    FULL_PIECE_BYTES,
    OFFICIAL_PIECE_BYTES,
    db_load,
    db_pieces,
    infer,
)
from tinyhil.device.protocol.dialect import Dialect, Listener, UnknownLineError, is_broken
from tinyhil.device.protocol.lines import Damaged, Line, LineReader
from tinyhil.device.protocol.messages import (
    BufferBytes,
    DeviceComplaint,
    Expecting,
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
    like,
    parse,
)
from tinyhil.device.protocol.reply import Reply

__all__ = [
    "FULL_PIECE_BYTES",
    "OFFICIAL_PIECE_BYTES",
    "BufferBytes",
    "Damaged",
    "DeviceComplaint",
    "Dialect",
    "Expecting",
    "HilText",
    "HilValue",
    "InferDone",
    "InferStart",
    "InitDone",
    "LapUs",
    "Line",
    "LineReader",
    "Listener",
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
    "UnknownLineError",
    "WarmupDone",
    "WarmupStart",
    "db_load",
    "db_pieces",
    "infer",
    "is_broken",
    "like",
    "parse",
]
