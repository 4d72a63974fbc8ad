"""Writes a submission tree from runs, or gives all reasons why not at once."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from tinyhil.ground.errors import ConfigError
from tinyhil.ground.files import writing_to
from tinyhil.publish.submission import writing
from tinyhil.publish.submission.hookup import hookup
from tinyhil.publish.submission.layout import task_folder
from tinyhil.publish.submission.names import REHEARSAL
from tinyhil.publish.submission.refusals import Refusal, Request, measured_quality, refusals
from tinyhil.publish.submission.selection import Selection, select
from tinyhil.publish.submission.writing_energy import energy_files
from tinyhil.record.store import Run

Content = str | Iterator[bytes]
"""Of a file: its text, or its bytes piece by piece."""


@dataclass(frozen=True)
class Exported:
    """The result of an export."""

    refused: tuple[Refusal, ...]
    """Empty when it was written."""
    selection: Selection
    submitter: Path
    """The submitter's folder."""
    files: int


def export(runs: Sequence[Run], request: Request, out: Path) -> Exported:
    """Write the tree of the runs' figures below `out`, unless a rule forbids it.

    A tree that is there gets another system; nothing in it is overwritten.

    Raises:
        ConfigError: a run's raw answers can't be read, or the system is in `out` already.
        BenchError: the tree can't be written.
    """
    selection = select(runs)
    refused = refusals(selection, request)
    name = re.sub(r"[^A-Za-z0-9_.-]+", "_", request.system.description.get("Submitter", ""))
    submitter = out / request.division / (name.strip("._") or "submitter")
    if refused:
        return Exported(refused, selection, submitter, 0)
    # As the rules name it; in a tree of several systems each has its own.
    hookup_name = "Energy-Hookup.pdf"
    if (submitter / "systems" / hookup_name).exists():
        hookup_name = f"{request.system.name}-{hookup_name}"
    files = tree_files(selection, request, hookup_name)
    _write(submitter, files)
    return Exported((), selection, submitter, len(files))


def tree_files(
    selection: Selection, request: Request, hookup_name: str
) -> Mapping[PurePosixPath, Content]:
    """The content of every file below the submitter's folder.

    Args:
        selection: the figures.
        request: what is asked for.
        hookup_name: of the file that tells how energy was measured.
    """
    emulated = any(one.line.emulated for task in selection.tasks for one in task.measured)
    rehearsal = writing.mark(request, emulated)
    system = f"{REHEARSAL}-{request.system.name}" if rehearsal else request.system.name
    tasks = {chosen.task.name: chosen for chosen in selection.tasks}
    files: dict[PurePosixPath, Content] = {
        PurePosixPath("systems", f"{system}.json"): writing.description(request, emulated),
        PurePosixPath("code", system, "README.md"): writing.readme(tasks, rehearsal),
    }
    for chosen in selection.tasks:
        folder = PurePosixPath("results", system, task_folder(chosen.task))
        quality = measured_quality(chosen)
        tests = {
            "accuracy": writing.accuracy_files(chosen, quality, rehearsal),
            "performance": writing.performance_files(chosen, rehearsal),
        }
        for test, texts in tests.items():
            files |= {folder / test / name: text for name, text in texts.items()}
        if chosen.used:
            written = energy_files(chosen, rehearsal)
            files |= {folder / "energy" / name: content for name, content in written.items()}
    used = [chosen for chosen in tasks.values() if chosen.used]
    if used:
        files[PurePosixPath("systems", hookup_name)] = hookup(used, rehearsal)
    return files


def _write(submitter: Path, files: Mapping[PurePosixPath, Content]) -> None:
    """Write all files, or none: into a folder next to it, whose parts are then moved in."""
    tops = dict.fromkeys(PurePosixPath(*file.parts[:2]) for file in files)
    for top in tops:
        if (submitter / top).exists():
            raise ConfigError(
                f"{submitter / top}: exists already",
                hint="choose another --out, or give the system another name in its description",
            )
    with writing_to(submitter):
        submitter.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=".partial-", dir=submitter))
        try:
            for file, content in files.items():
                path = scratch / file
                path.parent.mkdir(parents=True, exist_ok=True)
                with path.open("wb") as written:
                    written.writelines([content.encode()] if isinstance(content, str) else content)
            for top in tops:
                (submitter / top).parent.mkdir(exist_ok=True)
                (scratch / top).rename(submitter / top)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
