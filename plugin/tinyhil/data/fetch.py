"""Gets official files into the user's folder: from their origin, or built from an archive."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path, PurePosixPath

from tinyhil.data import cifar10
from tinyhil.data.archive import members
from tinyhil.data.download import Remote, download
from tinyhil.data.official import Report
from tinyhil.data.pins import PINS, Archive, Files, load_pins
from tinyhil.data.verify import known_source, verify
from tinyhil.ground.errors import DataError
from tinyhil.ground.files import writing_to
from tinyhil.ground.progress import Progress

_DOWNLOADS = ".downloads"


def fetch(
    root: Path, name: str, *, pinned: Path = PINS, progress: Progress | None = None
) -> Report:
    """Get what is missing or altered of a set that its origin publishes.

    Args:
        root: the folder that holds ``datasets/`` and ``models/``; made if it is not there.
        name: name of the set.
        pinned: the folder of the pinned sums.
        progress: called with how much is done and its total.

    Returns:
        How the folder differs now: only by extra files, which are not touched.

    Raises:
        DataError: the origin does not publish it, can't be reached, or sent something else.
    """
    source, pins = known_source(name, pinned), load_pins(name, pinned)
    if not source.fetched:
        raise DataError(f"{name}: its origin does not publish it", hint=source.get)
    before = verify(root, name, pinned=pinned)
    wanted = {*before.missing, *before.altered}
    folder = root / source.folder
    with writing_to(folder):
        if source.files and wanted:
            _fetch_files(source.files, folder, {file: pins[file] for file in wanted}, progress)
        elif source.archive and wanted:
            with _fetched(source.archive, root, progress) as archive:
                _place(folder, pins, wanted, _members(archive, source.folder))
    return _checked(root, name, pinned)


def build(
    root: Path,
    name: str = "ic01",
    archive: Path | None = None,
    *,
    pinned: Path = PINS,
    progress: Progress | None = None,
) -> Report:
    """Build a set from an archive of images that it was chosen from.

    Args:
        root: as `fetch`.
        name: name of the set.
        archive: the user's own archive; without one it is fetched and, in the end, deleted.
        pinned: the folder of the pinned sums.
        progress: called with how much is done and its total.

    Returns:
        As `fetch`.

    Raises:
        DataError: it is not built from an archive; the archive can't be fetched or is another one.
    """
    source, pins = known_source(name, pinned), load_pins(name, pinned)
    if source.archive is None or source.archive.layout != "cifar-10":
        raise DataError(f"{name}: is not built from an archive", hint=source.get)
    before = verify(root, name, pinned=pinned)
    wanted = {*before.missing, *before.altered}
    folder = root / source.folder
    with writing_to(folder):
        if wanted:
            own = nullcontext(archive) if archive else None
            with own or _fetched(source.archive, root, progress) as path:
                _place(folder, pins, wanted, cifar10.build(path, pins, progress).items())
    return _checked(root, name, pinned)


def _fetch_files(
    files: Files, folder: Path, pins: Mapping[str, str], progress: Progress | None
) -> None:
    """Fetch single files, each with its pinned sum."""
    for done, (name, sha256) in enumerate(sorted(pins.items()), start=1):
        remote = Remote(files.base + files.paths[name], files.bytes_max, sha256)
        download(remote, folder / name, remote.deadline())
        if progress:
            progress(done, len(pins))


@contextmanager
def _fetched(archive: Archive, root: Path, progress: Progress | None) -> Iterator[Path]:
    """An archive from its origin, deleted when the block ends: a bad one is never used again."""
    remote = Remote(archive.url, archive.bytes_max, archive.sha256)
    path = root / _DOWNLOADS / PurePosixPath(archive.url).name
    download(remote, path, remote.deadline(), progress)
    try:
        yield path
    finally:
        path.unlink()
        with suppress(OSError):  # something else is there, such as a download in progress
            path.parent.rmdir()


def _members(archive: Path, folder: str) -> Iterator[tuple[str, bytes]]:
    """Name and content of the files in `folder` below the archive's top folder."""
    parts = PurePosixPath(folder).parts

    def wanted(path: str) -> bool:
        return PurePosixPath(path).parts[1:-1] == parts

    return ((PurePosixPath(path).name, data) for path, data in members(archive, wanted))


def _place(
    folder: Path,
    pins: Mapping[str, str],
    wanted: Collection[str],
    files: Iterable[tuple[str, bytes]],
) -> None:
    """Write the wanted ones of some files, each whole or not at all, and only with its sum.

    Raises:
        DataError: a file has a wrong sum.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files:
        if name not in wanted:
            continue
        found = hashlib.sha256(data).hexdigest()
        if found != pins[name]:
            raise DataError(
                f"{name}: came with the SHA-256 {found[:16]}…, not {pins[name][:16]}…; it "
                "was not written",
                hint="try again later; if it happens again, the origin changed it",
            )
        part = folder / f".{name}.part"
        part.write_bytes(data)
        part.replace(folder / name)


def _checked(root: Path, name: str, pinned: Path) -> Report:
    """How the folder differs now; `DataError` if anything is still missing."""
    report = verify(root, name, pinned=pinned)
    if report.missing or report.altered:
        raise DataError(
            f"{name}: what came is not the whole set: {report}",
            hint="run the command again; if it happens again, the origin no longer publishes it",
        )
    return report
