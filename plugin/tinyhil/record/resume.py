"""Resumes a run that was killed, or has failed, where it ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from tinyhil.ground import locking
from tinyhil.ground.errors import ConfigError
from tinyhil.ground.files import PARTIAL, cut_torn_line, lock, unwritable
from tinyhil.ground.text import printable
from tinyhil.record import Configuration, Record
from tinyhil.record.description import Description, Where, read_description
from tinyhil.record.folder import new_part
from tinyhil.record.reading import list_files, read_rows, untorn
from tinyhil.record.schema import LINES, SEAL, SIGNATURE, TESTS, Line
from tinyhil.record.seal import differences, read_seal
from tinyhil.record.store import record_lines


@dataclass(frozen=True)
class Found:
    """What was there when a run was resumed."""

    rows: Mapping[str, int]
    """By name, such as ``kws01-accuracy``."""
    cut: Mapping[str, int]
    """Bytes of torn last lines, by file."""

    def __str__(self) -> str:
        rows = ", ".join(f"{count} of {name}" for name, count in self.rows.items())
        text = f"continues after the rows {rows}" if rows else "continues; no row had been measured"
        for name, size in self.cut.items():
            text += f"; the torn last line of {name} was cut off, {size} bytes"
        return text


def check(folder: Path, configuration: Configuration) -> Description:
    """Check that a run may be continued with these options; its tasks, as far as they are known.

    Args:
        folder: of the run.
        configuration: what is asked for now; without tasks if they are not known yet.

    Raises:
        ConfigError: it may not; the text says what differs, or what is wrong with the folder.
    """
    description = read_description(folder)
    recorded = description.configuration
    if not configuration.tasks:
        recorded = recorded.model_copy(update={"tasks": ()})
    configuration.refuse_unless(recorded, folder)
    return description


def resume(
    folder: Path, configuration: Configuration, board_at: Where | None = None
) -> tuple[Record, Found]:
    """Open a run's folder again and clear what a kill left half done; its seal is broken.

    Args:
        folder: of the run.
        configuration: what is asked for now, which must be what the run was started with.
        board_at: where its board is now, if that is to be told.

    Raises:
        ConfigError: the options differ, or a file was altered or is damaged; nothing was changed.
        BenchError: another process writes to it, or it can't be written.
    """
    list_files(folder)  # Refuses links, which would be written through.
    description = check(folder, configuration)
    try:
        descriptor = lock(folder)
        try:
            _check_seal(folder)
            found, lines = _clear(folder)
            description = description.with_part(new_part(found.rows, found.cut, board_at))
            description.write(folder)
        except BaseException:
            locking.release(descriptor)
            raise
    except OSError as error:
        raise unwritable(folder, error) from error
    return Record(folder, description, descriptor, lines), found


def _check_seal(folder: Path) -> None:
    """Refuse a run that was changed since it was sealed."""
    if not (folder / SEAL).exists():
        return
    changed = differences(folder, read_seal(folder))
    if changed:
        where = f", line {changed[0].line}" if changed[0].line else ""
        raise ConfigError(
            f"{folder}: {printable(changed[0].file)}{where}: {changed[0].text}",
            hint="`tinyhil verify` with the folder tells all; start a new run",
        )


def _clear(folder: Path) -> tuple[Found, tuple[Line, ...]]:
    """Read every row and line, of which none may be damaged, then cut off torn ones."""
    rows: dict[str, int] = {}
    lines: tuple[Line, ...] = ()
    names = list_files(folder)
    for name in names:
        if name == LINES:
            lines = tuple(line for _, line in untorn(record_lines(folder)))
        elif name.endswith(".jsonl") and name != TESTS:
            rows[PurePosixPath(name).stem] = sum(1 for _ in untorn(read_rows(folder / name)))
    # The seal goes first: without it the run counts as killed, if anything fails next.
    for name in (SEAL, SIGNATURE):
        (folder / name).unlink(missing_ok=True)
    cut: dict[str, int] = {}
    for name in names:
        if name.endswith(PARTIAL):
            (folder / name).unlink()
        elif name.endswith((".jsonl", ".log")) and (size := cut_torn_line(folder / name)):
            cut[name] = size
    return Found(rows, cut), lines
