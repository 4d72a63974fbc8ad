"""What is loaded into QEMU: devices that its machines lack, and a counter of instructions.

The C files here are under GPL-2.0-or-later (see COPYING), as QEMU is, into which they are loaded;
the rest of the package, which only starts QEMU as a program, is not. They are compiled where they
are used, and each start tries whether they fit the QEMU that runs, see there.
"""

from __future__ import annotations

import hashlib
import os
import select
import shutil
import subprocess
import tempfile
from pathlib import Path

from tinyhil.catalog.board import EmulatorFacts
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import BenchError, ConfigError
from tinyhil.ground.paths import user_cache

_HERE = Path(__file__).parent
_COMMON = "qemu"
_COUNTER = "instructions"
_FLAGS = (
    *("-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-fvisibility=hidden"),
    # What this QEMU does not export is an error when it starts, not when it is called.
    "-Wl,-z,now",
)
_COMPILE_S = 60.0


def plugin(name: str, board: str) -> Path:
    """The compiled devices of this name; compiled once for each state of their source.

    Raises:
        ConfigError: there are none of this name; the text names those that are.
        BenchError: there is no C compiler, or it fails.
    """
    known = sorted({path.stem for path in _HERE.glob("*.c")} - {_COMMON, _COUNTER})
    if name not in known:
        raise ConfigError(
            f"no devices '{name}'; known: {', '.join(known)}",
            hint="correct 'emulator.devices' in the board's file",
            board=board,
        )
    return _made(name, [_HERE / f"{one}.c" for one in (_COMMON, name)], (), board)


def counter(interface: int, board: str) -> Path:
    """The compiled counter of instructions, see ``instructions.c``.

    Args:
        interface: version of the plugin interface that the QEMU at hand takes.
        board: name, for messages.

    Raises:
        BenchError: there is no C compiler, or it fails.
    """
    return _made(_COUNTER, [_HERE / f"{_COUNTER}.c"], (f"-DAPI={interface}",), board)


def _made(name: str, sources: list[Path], more: tuple[str, ...], board: str) -> Path:
    flags = (*_FLAGS, *more)
    digest = hashlib.sha256(repr(flags).encode())
    for source in (_HERE / f"{_COMMON}.h", *sources):
        digest.update(source.read_bytes())
    made = user_cache() / "devices" / f"{name}-{digest.hexdigest()[:16]}.so"
    if not made.is_file():
        _compile([*flags, *map(str, sources)], made, board)
    return made


def _compile(arguments: list[str], made: Path, board: str) -> None:
    compiler = shutil.which("cc")
    if compiler is None:
        raise BenchError(
            "what is loaded into QEMU is compiled here, and there is no C compiler 'cc'",
            hint="on Debian: apt install gcc libc6-dev",
            board=board,
        )
    try:
        made.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=made.parent) as scratch:
            draft = Path(scratch, made.name)
            done = subprocess.run(
                [compiler, *arguments, "-o", draft],
                capture_output=True,
                text=True,
                timeout=_COMPILE_S,
                check=False,
            )
            if done.returncode == 0:
                draft.rename(made)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BenchError(
            f"what is loaded into QEMU can't be compiled: {error}",
            hint=f"see whether {made.parent} can be written (XDG_CACHE_HOME chooses another place)",
            board=board,
        ) from error
    if done.returncode:
        raise BenchError(
            f"what is loaded into QEMU does not compile: {done.stderr.strip()[:500]}",
            hint="try another C compiler as 'cc'",
            board=board,
        )


class Loading:
    """The devices of a board on their way into a QEMU that starts; they tell when they are there.

    Without devices there is nothing to load, and nothing to wait for.
    """

    def __init__(self, facts: EmulatorFacts, board: str) -> None:
        """Compile them, if need be.

        Raises:
            ConfigError, BenchError: as `plugin`.
        """
        self.arguments: list[str] = []
        """For QEMU."""
        self.inherited: tuple[int, ...] = ()
        """Descriptors that QEMU must have; `handed_over` closes them here."""
        self._told: int | None = None
        if facts.devices:
            path = plugin(facts.devices, board)
            self._told, ready = os.pipe()
            options = {**facts.device_options, "ready": ready}
            words = ",".join(f"{name}={value}" for name, value in options.items())
            self.arguments = ["-plugin", f"{path},{words}"]
            self.inherited = (ready,)

    def handed_over(self) -> None:
        """QEMU has what it inherits, or never will."""
        for descriptor in self.inherited:
            os.close(descriptor)
        self.inherited = ()

    def done(self, deadline: Deadline) -> bool:
        """Whether all is in place; False if QEMU ended, or `deadline` passed, before."""
        if self._told is None:
            return True
        told, _, _ = select.select([self._told], [], [], max(deadline.remaining(), 0))
        return bool(told) and os.read(self._told, 1) == b"R"

    def close(self) -> None:
        """Nobody waits any more."""
        self.handed_over()
        if self._told is not None:
            os.close(self._told)
            self._told = None
