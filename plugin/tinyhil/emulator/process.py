"""A child process that can't outlive us, and whose last words are kept."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

_TIE = """
import ctypes, os, signal, sys
PR_SET_PDEATHSIG = 1
ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
if os.getppid() == int(sys.argv[1]):
    os.execvp(sys.argv[2], sys.argv[2:])
"""
"""Has the kernel kill the child when we die, even by SIGKILL, then becomes the program. A program
of its own, because code between fork and exec is not safe in a process with threads. Other
systems than Linux lack this: there a child survives if we are killed by force."""

_LAST_WORDS_BYTES = 2000
_TERM_S = 2.0
_KILL_S = 5.0


class TiedProcess:
    """A running program.

    The kernel ties a child to the *thread* that started it, so each has a thread of its own,
    which then reads its stderr and waits for its end.
    """

    def __init__(self, command: Sequence[str], folder: Path, pass_fds: Sequence[int]) -> None:
        """Start `command` in `folder`.

        Raises:
            OSError: it can't be started.
        """
        self.exited = threading.Event()
        """Set when the process has ended and was reaped."""
        self._stderr = b""
        self._process: subprocess.Popen[bytes] | None = None
        self._error: OSError | None = None
        tied = [sys.executable, "-ISc", _TIE, str(os.getpid())] if sys.platform == "linux" else []
        started = threading.Event()
        threading.Thread(
            target=self._run,
            args=([*tied, *command], folder, tuple(pass_fds), started),
            name=f"watch {command[0]}",
            daemon=True,
        ).start()
        started.wait()
        if self._error:
            raise self._error

    @property
    def pid(self) -> int:
        """Process id."""
        return self._child.pid

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return not self.exited.is_set()

    @property
    def last_words(self) -> str:
        """The end of what it printed on stderr, at most 2000 bytes; complete once it has ended."""
        return self._stderr.decode(errors="replace").strip()

    def stop(self) -> None:
        """End it, by force if it does not listen; returns when it is gone."""
        if self.alive:
            self._child.terminate()
            if not self.exited.wait(_TERM_S):
                self._child.kill()
                self.exited.wait(_KILL_S)

    @property
    def _child(self) -> subprocess.Popen[bytes]:
        assert self._process is not None  # the constructor raised otherwise
        return self._process

    def _run(
        self, command: list[str], folder: Path, pass_fds: tuple[int, ...], started: threading.Event
    ) -> None:
        try:
            # A session of its own: Ctrl-C is for us, who end the child in good order.
            self._process = subprocess.Popen(
                command,
                cwd=folder,
                pass_fds=pass_fds,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            self._error = error
            return
        finally:
            started.set()
        with self._process as process:
            assert process.stderr is not None
            while chunk := os.read(process.stderr.fileno(), 4096):
                self._stderr = (self._stderr + chunk)[-_LAST_WORDS_BYTES:]
        self.exited.set()


def read_memory(pid: int, symbol: str, count: int) -> bytes:
    """Bytes of another process's memory, at a symbol of its program; Linux alone.

    Raises:
        OSError: the process has ended, or is not ours to look into.
        LookupError: its program has no such symbol.
    """
    process = Path("/proc", str(pid))
    program = (process / "exe").resolve()
    with program.open("rb") as file:
        table = ELFFile(file).get_section_by_name(".symtab")
        found = None
        if isinstance(table, SymbolTableSection):
            found = table.get_symbol_by_name(symbol)
    if not found:
        raise LookupError(f"no symbol '{symbol}' in {program}")
    maps = (process / "maps").read_text(encoding="utf-8").splitlines()
    # The first mapping of a position-independent program is where it was loaded.
    base = next(int(line.split("-")[0], 16) for line in maps if line.endswith(str(program)))
    with (process / "mem").open("rb", buffering=0) as memory:
        memory.seek(base + found[0]["st_value"])
        return memory.read(count)
