"""Every error that tinyhil raises on purpose: the class says who is at fault, the text what to do.

A missed limit is not an error: it is a verdict (see `verdict`).
"""

from __future__ import annotations

DOCUMENTATION = "https://pytest-tinyhil.readthedocs.io/en/latest/"
"""Where the documentation is published: the one place that says it."""


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

    @property
    def kind(self) -> str:
        """Name of its class, or of the nearest one that is not private."""
        names = (kind.__name__ for kind in type(self).__mro__)
        return next(name for name in names if not name.startswith("_"))

    @property
    def page(self) -> str:
        """Address of what the documentation says of this kind of error."""
        return f"{DOCUMENTATION}errors/#{self.kind.lower()}"

    @property
    def told(self) -> str:
        """The text, and where to read more: what a person sees last of a command or a run."""
        return f"{self}\n  more: {self.page}"

    def __str__(self) -> str:
        where = " / ".join(part for part in (self.board, self.stage) if part)
        return f"{f'[{where}] ' if where else ''}{self.message}\n  next step: {self.hint}"


class ConfigError(TinyhilError):
    """A file or an option of the user's is wrong; nothing has been touched yet.

    The text names the file and the key, or the option, and what is known instead. Correct it and
    give the same command again.
    """


class DataError(ConfigError):
    """A data set is missing, damaged or changed.

    `tinyhil data verify` names every file that is not as it was published, and `tinyhil data list`
    says where each set comes from. A set of your own is never refused: give its files names of
    their own.
    """


class ModelError(ConfigError):
    """The model compiler cannot take this model.

    The text names the operator by its number and what its kernel can't do. The page of the
    operators lists what each takes. A model that another engine runs needs no compiler: give its
    finished image with `--hil-firmware`.
    """


class FirmwareError(ConfigError):
    """An image can't be built, or can't go onto this board.

    Either the compiler's own message is shown, or the region of the board's memory that is too
    small and by how many bytes. An image that was built for another memory map is refused before
    anything is flashed.
    """


class BenchError(TinyhilError):
    """The bench is at fault: a tool, probe, emulator or port is missing, taken or dead.

    `tinyhil doctor` looks for every program; `pyocd list` shows the debug probes. What was
    measured before is in the run's folder, and `--hil-resume` goes on from there.
    """


class WriteError(BenchError):
    """A file can't be written: the disk is full or read-only, the folder is gone or not ours.

    Give another folder with `--hil-runs` or `--hil-build`, or make room. No half file is left.
    """


class MonitorError(BenchError):
    """A power monitor is missing or refuses, or what it measured can't be trusted.

    Samples were lost, an edge of the device's pin is missing, doubled or late, or the instrument
    says that it was overloaded. The text says which. No figure is made of such a trace; the trace
    itself stays in `raw/` of the run's folder.
    """


class TakenError(BenchError):
    """Somebody else uses the station.

    The text says who and since when. `--hil-wait SECONDS` waits until the board is free. A lock
    ends with the process that holds it, however that ends.
    """


class QuarantinedError(BenchError):
    """Nobody gets this board until somebody has looked at it.

    All that a run can do to bring it back has failed, or a person has put it into quarantine. The
    text says why. `tinyhil farm return` with its name ends that; the tests that did not end are run
    again with `--hil-rerun-failed`.
    """


class LinkError(TinyhilError):
    """The wire is at fault: the port is gone, or bytes were lost or damaged.

    Look at cable, plug and hub. Lost bytes are asked for again many times before this error comes,
    so it means that the wire stays bad. All bytes that came are in `raw/` of the run's folder.
    """


class LinkTimeoutError(LinkError):
    """The device did not answer before the deadline.

    Either nothing runs there (wrong port, wrong rate, a firmware that has crashed), or it takes
    longer than the task allows. The end of the log in `raw/` shows the last thing that it said.
    """


class IdentityError(TinyhilError):
    """Another firmware or another board answers than the one under measurement.

    Somebody has reset, flashed or plugged the board meanwhile, or port and probe of the bench file
    lead to two different boards. The rows since the last check are dropped; those before it stay.
    """


class DeviceError(TinyhilError):
    """The device answered, and the answer is an error, false or nonsense.

    The text quotes what it said. This is a fault of the firmware, not of the wire: look at its log
    in `raw/`, and try its commands by hand in a terminal.
    """
