"""Downloads over HTTP: resumed, bounded in size and time, put in place only if the sum is right.

Proxies are those of the environment (``https_proxy``, ``no_proxy``), as `urllib.request` does it.
"""

from __future__ import annotations

import http.client
import ssl
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from tinyhil.data.verify import sum_of
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import DataError
from tinyhil.ground.progress import Progress
from tinyhil.ground.text import shown

_CHUNK_BYTES = 1 << 16
_SLOWEST_BYTES_PER_S = 50_000
_START_S = 60.0
_BROKEN = (
    urllib.error.URLError,
    http.client.HTTPException,
    ssl.SSLError,
    ConnectionError,
    TimeoutError,
)


@dataclass(frozen=True)
class Remote:
    """One file at its origin."""

    url: str
    bytes_max: int
    """A longer answer is refused."""
    sha256: str | None
    """None if what is made from the file is checked instead."""

    def deadline(self) -> Deadline:
        """Long enough for the slowest network that is still useful."""
        return Deadline.after(_START_S + self.bytes_max / _SLOWEST_BYTES_PER_S)


def download(
    remote: Remote,
    target: Path,
    deadline: Deadline,
    progress: Progress | None = None,
    *,
    stall_s: float = 30.0,
) -> None:
    """Fetch one file; continue where an earlier attempt stopped.

    What has arrived is next to the target as ``.<name>.part``, hidden, and is renamed when it is
    complete and has the right sum; a file with a wrong sum is deleted.

    Args:
        remote: the file.
        target: where it goes; a file there is replaced.
        deadline: for the whole file, all attempts together.
        progress: called with the bytes that are here and their total.
        stall_s: longest wait for the next bytes, in seconds.

    Raises:
        DataError: it can't be fetched, is too long, or has a wrong sum; the text names it.
        OSError: it can't be written.
    """
    part = target.with_name(f".{target.name}.part")
    target.parent.mkdir(parents=True, exist_ok=True)
    resumed = part.exists()
    _complete(remote, part, deadline, progress, stall_s)
    if resumed and remote.sha256 not in (None, sum_of(part)):
        part.unlink()  # this may have been a part of another version: again, from the start
        _complete(remote, part, deadline, progress, stall_s)
    found = sum_of(part)
    if remote.sha256 not in (None, found):
        part.unlink()
        raise DataError(
            f"{target.name}: came from {remote.url} with the SHA-256 {found[:16]}…, not the pinned "
            f"{str(remote.sha256)[:16]}…; it was deleted",
            hint="try again later; if it happens again, the file was changed at its origin",
        )
    part.replace(target)


def _complete(
    remote: Remote, part: Path, deadline: Deadline, progress: Progress | None, stall_s: float
) -> None:
    """Attempts until all has arrived; one that brought nothing is the last."""
    while True:
        before = _size(part)
        try:
            _attempt(remote, part, deadline, progress, stall_s)
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and before:
                return  # nothing follows what is here: its sum tells whether it is whole
            raise _refused(remote, f"answers {error.code} {error.reason}") from error
        except _BROKEN as error:
            if _size(part) <= before or deadline.expired:
                reason = getattr(error, "reason", error)
                raise _broken_off(remote, str(reason) or type(error).__name__) from error
        else:
            return


def _attempt(
    remote: Remote, part: Path, deadline: Deadline, progress: Progress | None, stall_s: float
) -> None:
    """One request, from where `part` ends; `_BROKEN` when the answer is cut short."""
    here = _size(part)
    headers = {"User-Agent": "tinyhil"} | ({"Range": f"bytes={here}-"} if here else {})
    request = urllib.request.Request(remote.url, headers=headers)  # noqa: S310 - http(s), see pins
    wait_s = max(min(stall_s, deadline.remaining()), 0.001)
    with urllib.request.build_opener().open(request, timeout=wait_s) as answer:
        going_on = answer.status == http.HTTPStatus.PARTIAL_CONTENT
        if going_on and not answer.headers.get("Content-Range", "").startswith(f"bytes {here}-"):
            part.unlink()
            raise http.client.HTTPException("it answered with another range than was asked for")
        here = here if going_on else 0
        total = None if answer.length is None else here + answer.length
        with part.open("ab" if going_on else "wb") as file:
            while total is None or here < total:
                data = answer.read1(_CHUNK_BYTES)
                here += len(data)
                if not data or here > remote.bytes_max:
                    break
                if deadline.expired:
                    raise TimeoutError(f"not done after {deadline.seconds:.0f} s")
                file.write(data)
                if progress:
                    progress(here, max(total or remote.bytes_max, here))
    if here > remote.bytes_max:
        part.unlink()
        raise _refused(remote, f"sends more than {remote.bytes_max:,} bytes")
    if total is not None and here < total:
        raise ConnectionError(f"it stopped after {here:,} of {total:,} bytes")


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _broken_off(remote: Remote, what: str) -> DataError:
    return DataError(
        f"{remote.url}: {what}",
        hint="check the network (https_proxy is used) and run the command again: it continues "
        "where this stopped",
    )


def _refused(remote: Remote, what: str) -> DataError:
    return DataError(
        f"{remote.url}: {shown(what)}",
        hint="try again later; if it happens again, the origin has removed it: get the "
        "file yourself, its sum is still checked",
    )
