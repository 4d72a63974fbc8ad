"""What pyOCD's failures mean to the person at the bench."""

from __future__ import annotations

import logging
import re
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Self

from pyocd.core import exceptions
from pyocd.core.session import Session

from tinyhil.catalog.identity import called, is_remote
from tinyhil.ground.cutoff import OverdueError, cut_off
from tinyhil.ground.errors import BenchError, ConfigError, LinkError, TinyhilError

# Without its own handler, Python prints a library's warnings on the user's terminal.
_LOGGER = logging.getLogger("pyocd")
_LOGGER.addHandler(logging.NullHandler())

_KEPT_WARNINGS = 5
_LOCKED = re.compile(r"\b(APPROTECT|secure state|unlock|locked)", re.IGNORECASE)
LOCKED_HINT = (
    "the chip seems to be locked; unlocking erases all of it, so it is left to you: `pyocd "
    "commander -c unlock` where pyOCD knows how (as of an nRF), else the chip maker's tool (on an "
    "STM32: read protection back to level 0)"
)

_HINTS: tuple[tuple[type[Exception], str], ...] = (
    (exceptions.ProbeDisconnected, "check the probe's cable, or restart the emulated board"),
    (exceptions.ProbeError, "close other debuggers, or plug the probe in again"),
    (
        exceptions.FlashEraseFailure,
        "this part of the flash is protected against writing, or worn: take the protection away "
        "with the chip maker's tool (on an STM32: its option bytes), else use another board",
    ),
    (exceptions.FlashFailure, "check the board's supply and whether this flash is protected"),
    (exceptions.TransferError, "check power and debug wiring, or lower 'flash.frequency_hz'"),
    (exceptions.Error, "check power and debug wiring; 'pyocd list' shows the probes found"),
    (OSError, "check that the probe is still plugged in and that you may use it"),
    (
        Exception,
        "see that 'flash.target' is this chip's; check power and debug wiring, or lower "
        "'flash.frequency_hz'; then run it again",
    ),
)
_FAR_HINT = (
    "see that its host is up, that `pyocd server` serves the probe there, and that the tunnel to "
    "it stands"
)
_TOLD = (exceptions.Error, OSError)
"""What pyOCD raises on purpose."""
LATE_S = 20.0
"""So long after its deadline an access may last: pyOCD waits up to 10 s for one answer."""
ACCESS_S = 60.0
"""So long may an access last that has no deadline."""
_LET_GO_S = 12.0


def let_go(session: Session) -> None:
    """Close a session, also one whose probe or board is gone.

    Whatever fails was told where the probe was used, and an access that Ctrl-C has interrupted
    leaves one that complains about everything: no error here may replace the one on its way out.
    """
    # A session takes a probe that could not be closed for closed, and its second try succeeds: what
    # failed has emptied the queue that was in the way. What is not given back, this process would
    # keep from all others, and from its own next session.
    for close in (_close, _close_probe, _close_interface):
        with suppress(Exception, OverdueError), cut_off(_LET_GO_S):
            close(session)


def _close(session: Session) -> None:
    session.close()


def _close_probe(session: Session) -> None:
    session.probe.close()


def _close_interface(session: Session) -> None:
    """Give back the USB interface of a CMSIS-DAP probe that failed while it was being opened: pyOCD
    does not take it for open."""
    interface: Any = getattr(getattr(session.probe, "_link", None), "_interface", None)
    if getattr(interface, "closed", True) is False:
        interface.close()


class Warnings(logging.Handler):
    """Keeps the last warnings that pyOCD logs in this thread, for messages, until it is closed."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._thread = threading.get_ident()
        self._kept: deque[str] = deque(maxlen=_KEPT_WARNINGS)
        _LOGGER.addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Called by logging."""
        if record.thread == self._thread:
            self._kept.append(record.getMessage())

    def close(self) -> None:
        """Stop listening."""
        _LOGGER.removeHandler(self)
        super().close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __str__(self) -> str:
        return "; ".join(self._kept)


@contextmanager
def translated(
    doing: str,
    board: str,
    probe_uid: str,
    warnings: Warnings,
    stage: str | None = "flash",
    kind: type[BenchError | LinkError] = BenchError,
) -> Iterator[None]:
    """Turn pyOCD's exceptions into ours.

    Args:
        doing: what is being done, as in ``"programming"``; becomes part of the message.
        board: name of the board.
        probe_uid: of the probe.
        warnings: what pyOCD said on the way; goes into the message.
        stage: of the flow; None if the caller knows it better.
        kind: of our error, except for faults of the board's file.
    """
    try:
        yield
    except TinyhilError as error:
        if stage:
            error.locate(board, stage)
        raise
    except exceptions.TargetSupportError as error:
        raise ConfigError(
            f"pyOCD does not support the board's target: {error}",
            hint="correct 'flash.target' in the board's file ('pyocd list --targets' shows what "
            "is built in), or name a CMSIS pack in 'flash.pack'",
            board=board,
            stage=stage,
        ) from error
    except OverdueError as error:
        raise kind(
            f"probe {called(probe_uid)} came to no end at {doing}",
            hint="plug the probe in again, or restart the emulated board; then run it again",
            board=board,
            stage=stage,
        ) from error
    # Any: what it can't make sense of while the wire is bad, pyOCD meets with a KeyError or worse.
    except Exception as error:
        if _is_interrupted(error):
            # Ctrl-C in the middle of an access leaves the probe in a state that it complains of.
            raise KeyboardInterrupt from error
        said = str(warnings)
        why = str(error) if isinstance(error, _TOLD) else f"pyOCD's own code broke: {error!r}"
        hint = next(hint for cause, hint in _HINTS if isinstance(error, cause))
        if is_remote(probe_uid) and isinstance(error, (exceptions.ProbeDisconnected, OSError)):
            hint = _FAR_HINT
        why += f" (pyOCD: {said})" if said else ""
        raise kind(
            f"probe {called(probe_uid)} failed at {doing}: {why}",
            hint=LOCKED_HINT if _LOCKED.search(said) else hint,
            board=board,
            stage=stage,
        ) from error


def _is_interrupted(error: BaseException) -> bool:
    """Whether an error came while Ctrl-C was on its way out."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, KeyboardInterrupt):
        cause = cause.__context__
    return cause is not None
