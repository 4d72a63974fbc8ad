"""Every error that tinyhil raises on purpose: the class says who is at fault, the text what to do.

A missed limit is not an error: it is a verdict (see `verdict`).
"""

from __future__ import annotations


class TinyhilError(Exception):
    """Base of all; never raised itself.

    Args:
        message: what is wrong, naming the thing (file and key, board, symbol, line).
        hint: the next step for the person who reads it.
        board: name of the board at hand, when one is.
        stage: stage of the flow (``build``, ``flash``, ``upload``, ``infer`` …), when one runs.
    """

    def __init__(
        self, message: str, *, hint: str, board: str | None = None, stage: str | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.board = board
        self.stage = stage

    def locate(self, board: str, stage: str) -> None:
        """Name the station, which the code that raised it could not know, and the stage
        unless it named a finer one."""
        self.board = board
        self.stage = self.stage or stage

    def __str__(self) -> str:
        where = " / ".join(part for part in (self.board, self.stage) if part)
        return f"{f'[{where}] ' if where else ''}{self.message}\n  next step: {self.hint}"


class ConfigError(TinyhilError):
    """A file or an option of the user's is wrong; nothing has been touched yet."""


class DataError(ConfigError):
    """A data set is missing, damaged or changed."""


class ModelError(ConfigError):
    """The model compiler cannot take this model."""


class FirmwareError(ConfigError):
    """An image can't be built, or can't go onto this board."""


class BenchError(TinyhilError):
    """The bench is at fault: a tool, probe, emulator or port is missing, taken or dead."""


class WriteError(BenchError):
    """A file can't be written: the disk is full or read-only, the folder is gone or not ours."""


class TakenError(BenchError):
    """Somebody else uses the station."""


class LinkError(TinyhilError):
    """The wire is at fault: the port is gone, or bytes were lost or damaged."""


class LinkTimeoutError(LinkError):
    """The device did not answer before the deadline."""


class IdentityError(TinyhilError):
    """Another firmware or another board answers than the one under measurement."""


class DeviceError(TinyhilError):
    """The device answered, and the answer is an error, false or nonsense."""
