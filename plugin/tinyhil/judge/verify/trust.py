"""Whether a run's figures may be shown: it is verified before, once for each seal.

What a check has found is kept in the user's cache under the seal's own sum. It counts again as long
as no file of the run was touched, or all are as the seal says, and the check is the same.
"""

from __future__ import annotations

import functools
import hashlib
import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from tinyhil.ground.errors import ConfigError, WriteError
from tinyhil.ground.files import replace
from tinyhil.ground.help import with_suites
from tinyhil.ground.paths import BOARDS, TASKS, user_cache
from tinyhil.record.reading import list_files, read_whole
from tinyhil.record.schema import SEAL, SIGNATURE
from tinyhil.record.seal import differences, read_seal

State = Literal["verified", "not sealed", "disagrees"]

_MOST_KEPT = 4000
"""Results in the cache; then the older half goes."""

_VERIFY = "`tinyhil verify` with the folder names everything; measure again, or fetch it again"


@dataclass(frozen=True)
class Trust:
    """What is known of a run."""

    state: State
    signature: str = "unsigned"
    """Of the seal, in words."""
    count: int = 0
    """Of disagreements."""
    first: str = ""
    """One of them."""

    def __str__(self) -> str:
        if self.state == "not sealed":
            return "not sealed, so nothing of it was checked"
        return f"{self.state}, {self.signature}"

    def refuse(self, folder: Path, *, sealed: bool = False) -> None:
        """Let nothing be made of a run that disagrees.

        Args:
            folder: of the run.
            sealed: whether one without a seal is refused, too.

        Raises:
            ConfigError: it is refused.
        """
        if self.state == "disagrees":
            more = f", and {self.count - 1} more" if self.count > 1 else ""
            raise ConfigError(f"{folder}: does not agree: {self.first}{more}", hint=_VERIFY)
        if sealed and self.state == "not sealed":
            raise ConfigError(
                f"{folder}: is not sealed: the run was killed, or is not over yet",
                hint=with_suites("`pytest suites --hil-resume` with the folder finishes it"),
            )


def trust_of(folder: Path) -> Trust:
    """Verify a run, unless it is known.

    Raises:
        ConfigError: it is not a run of this version, or holds what no run does.
    """
    files = list_files(folder)
    if SEAL not in files:
        return Trust("not sealed")
    own = b"".join(read_whole(folder / name) for name in (SEAL, SIGNATURE) if name in files)
    place = cache() / f"{hashlib.sha256(own).hexdigest()}.json"
    stats, known = _stats(folder, files), _read(place)
    if known and known["code"] != _code():
        known = None
    if known and known["stats"] == stats:
        return Trust(**known["trust"])
    trust = Trust(**known["trust"]) if known else None
    if trust is None or trust.state != "verified" or not _as_sealed(folder):
        trust = _verified(folder)
    _write(place, {"code": _code(), "stats": stats, "trust": asdict(trust)})
    return trust


def cache() -> Path:
    """The folder of what is known; it may not be there."""
    return user_cache() / "verified"


def _verified(folder: Path) -> Trust:
    from tinyhil.judge.verify.run import verify  # noqa: PLC0415 - where it is known, not needed

    report = verify(folder)
    if report.findings:
        first = str(report.findings[0]).splitlines()[0]
        return Trust("disagrees", report.signature.text, len(report.findings), first)
    return Trust("verified", report.signature.text)


def _as_sealed(folder: Path) -> bool:
    with suppress(ConfigError):
        return not differences(folder, read_seal(folder))
    return False


def _stats(folder: Path, files: tuple[str, ...]) -> dict[str, list[int]]:
    """What changes with any write to a file: the change time can't be set."""
    found = {}
    for name in files:
        status = (folder / name).lstat()
        found[str(folder.resolve() / name)] = [
            status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino,
        ]  # fmt: skip
    return found


@functools.cache
def _code() -> str:
    """Names what checks, and the facts that it holds a run against."""
    package = Path(__file__).parents[2]
    paths = [*package.rglob("*.py"), *BOARDS.glob("*.toml"), *TASKS.glob("*.toml")]
    told = [f"{path} {path.stat().st_size} {path.stat().st_mtime_ns}" for path in sorted(paths)]
    return hashlib.sha256("\n".join([version("pytest-tinyhil"), *told]).encode()).hexdigest()


def _read(place: Path) -> dict[str, Any] | None:
    try:
        known = json.loads(place.read_bytes())
        Trust(**known["trust"])
        return known if {"code", "stats"} <= known.keys() else None
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _write(place: Path, known: dict[str, Any]) -> None:
    """Where the cache can't be written, a run is only verified again."""
    with suppress(OSError, WriteError):
        place.parent.mkdir(parents=True, exist_ok=True)
        replace(place, json.dumps(known).encode())
        kept = list(place.parent.iterdir())
        if len(kept) > _MOST_KEPT:
            kept.sort(key=lambda path: path.stat().st_mtime_ns)
            for path in kept[: _MOST_KEPT // 2]:
                path.unlink(missing_ok=True)
