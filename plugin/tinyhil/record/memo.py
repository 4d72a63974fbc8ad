"""What was once made of each run in a folder of runs, kept for the next time.

It lies in the user's cache, and can be deleted at any time: then it is made again. What is kept of
a run counts as long as no file of its record was touched.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tinyhil.ground.errors import WriteError
from tinyhil.ground.files import replace
from tinyhil.ground.paths import user_cache
from tinyhil.record.schema import KEPT, LINES, RAW, RUN, SEAL

_MOST_BYTES = 256 << 20


def remembered(
    folders: Sequence[Path], kind: str, make: Callable[[Path], Any]
) -> Iterator[tuple[Path, Any]]:
    """Each run, and what `make` makes of it, now or an earlier time.

    Args:
        folders: of runs.
        kind: names what is made, and its form.
        make: gives a value that JSON can hold.
    """
    by_parent: dict[Path, list[Path]] = {}
    for folder in folders:
        by_parent.setdefault(folder.parent, []).append(folder)
    for parent, own in by_parent.items():
        yield from _of_one(parent, own, kind, make)


def _of_one(
    parent: Path, folders: Sequence[Path], kind: str, make: Callable[[Path], Any]
) -> Iterator[tuple[Path, Any]]:
    name = hashlib.sha256(os.fsencode(parent.resolve())).hexdigest()[:32]
    place, form = cache() / f"{kind}-{name}.json", f"{kind} {version('pytest-tinyhil')}"
    known = _read(place, form)
    now: dict[str, list[Any]] = {}
    changed = False
    try:
        for folder in folders:
            mark, entry = _mark(folder), known.get(folder.name)
            if mark is None or entry is None or entry[0] != mark:
                entry, changed = [mark, make(folder)], True
            now[folder.name] = entry
            yield folder, entry[1]
    finally:
        if changed:
            kept = {name: one for name, one in known.items() if (parent / name).is_dir()}
            with suppress(OSError, WriteError):  # Then it is only made again.
                place.parent.mkdir(parents=True, exist_ok=True)
                replace(place, json.dumps({"form": form, "runs": {**kept, **now}}).encode())


def cache() -> Path:
    """The folder of what is kept; it may not be there."""
    return user_cache() / "runs"


def _mark(folder: Path) -> str | None:
    """What changes with any write to a run's record: the change time can't be set."""
    told = []
    for name in ("", RAW, KEPT, RUN, LINES, SEAL):
        try:
            status = os.stat(f"{folder}/{name}")  # noqa: PTH116 - thousands of times
        except FileNotFoundError:
            told.append("-")
        except OSError:
            return None
        else:
            size = 0 if name in ("", RAW, KEPT) else status.st_size
            told.append(f"{size} {status.st_mtime_ns} {status.st_ctime_ns} {status.st_ino}")
    return hashlib.sha256(",".join(told).encode()).hexdigest()[:32]


def _read(place: Path, form: str) -> dict[str, list[Any]]:
    try:
        if place.stat().st_size > _MOST_BYTES:
            return {}
        kept = json.loads(place.read_bytes())
        runs = kept["runs"] if kept["form"] == form else {}
        return {name: one for name, one in runs.items() if isinstance(one, list) and len(one) == 2}
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return {}
