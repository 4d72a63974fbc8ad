"""Downloads against a real HTTP server that misbehaves in every way a server does."""

from __future__ import annotations

import hashlib
import io
import tarfile
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tinyhil.data.download import Remote, download
from tinyhil.data.fetch import build, fetch
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import DataError, WriteError

CONTENT = bytes(range(256)) * 1024
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@dataclass
class Site:
    """What the server serves, how it fails, and what it was asked."""

    content: bytes = CONTENT
    others: dict[str, bytes] = field(default_factory=dict)
    """By path, what is not `content`."""
    status: int = 200
    ranges: bool = True
    wrong_range: bool = False
    length: bool = True
    break_after: int | None = None
    breaks: int = 0
    """How many more answers break off after `break_after` bytes; -1 for all."""
    stalls: bool = False
    """Whether the connection stays open after it broke off."""
    asked: list[str | None] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    done: threading.Event = field(default_factory=threading.Event)
    url: str = ""


class Handler(BaseHTTPRequestHandler):
    """Serves a `Site`."""

    site: Site

    def do_GET(self) -> None:
        site, asked = self.site, self.headers["Range"]
        site.asked.append(asked)
        site.paths.append(self.path)
        content = site.others.get(self.path, site.content)
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and site.ranges else 0
        if site.status != 200 or start >= len(content):
            self.send_error(site.status if site.status != 200 else 416)
            return
        body = content[start:]
        self.send_response(206 if start else 200)
        if start:
            first = start + site.wrong_range
            total = len(content)
            self.send_header("Content-Range", f"bytes {first}-{total - 1}/{total}")
        if site.length:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if site.breaks:
            site.breaks -= 1
            body = body[: site.break_after]
        self.wfile.write(body)
        if site.stalls:
            site.done.wait(20)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that http.server gives it
        """Keep the tests' output clean."""


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A site on this machine, reached without a proxy."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    served = Site()
    server = ThreadingHTTPServer(
        ("127.0.0.1", 0), type("SiteHandler", (Handler,), {"site": served})
    )
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    served.url = f"http://127.0.0.1:{server.server_port}/file.bin"
    yield served
    served.done.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "file.bin"


def get(site: Site, target: Path, *, bytes_max: int = 1 << 20, seconds: float = 20) -> None:
    download(Remote(site.url, bytes_max, SHA256), target, Deadline.after(seconds), stall_s=0.3)


def part_of(target: Path) -> Path:
    return target.with_name(f".{target.name}.part")


def leave_part(target: Path, data: bytes) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    part_of(target).write_bytes(data)


@pytest.mark.parametrize("length", [True, False])
def test_a_file_arrives_whole_and_nothing_else_is_left(
    site: Site, target: Path, length: bool
) -> None:
    site.length = length
    get(site, target)
    assert target.read_bytes() == CONTENT
    assert [path.name for path in target.parent.iterdir()] == ["file.bin"]


def test_progress_ends_with_all_bytes(site: Site, target: Path) -> None:
    seen: list[tuple[float, float]] = []
    remote = Remote(site.url, 1 << 20, SHA256)
    download(remote, target, Deadline.after(60), lambda done, total: seen.append((done, total)))
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert seen == sorted(seen)


def test_an_answer_that_breaks_off_is_gone_on_with_at_once(site: Site, target: Path) -> None:
    site.breaks, site.break_after = 2, 100_000
    get(site, target)
    assert target.read_bytes() == CONTENT
    assert site.asked == [None, "bytes=100000-", "bytes=200000-"]


def test_a_later_run_goes_on_where_an_earlier_one_broke_off(site: Site, target: Path) -> None:
    leave_part(target, CONTENT[:12_345])
    get(site, target)
    assert target.read_bytes() == CONTENT
    assert site.asked == ["bytes=12345-"]


def test_what_has_arrived_is_kept_when_the_line_stays_dead(site: Site, target: Path) -> None:
    site.breaks, site.break_after = -1, 0
    leave_part(target, CONTENT[:1000])
    with pytest.raises(DataError, match="stopped after 1,000 of 262,144 bytes") as caught:
        get(site, target)
    assert "run the command again" in caught.value.hint
    assert part_of(target).read_bytes() == CONTENT[:1000]
    assert not target.exists()


def test_a_server_that_ignores_ranges_is_read_from_the_start(site: Site, target: Path) -> None:
    site.ranges = False
    leave_part(target, CONTENT[:1000])
    get(site, target)
    assert target.read_bytes() == CONTENT


def test_a_server_that_ignores_ranges_and_breaks_off_does_not_loop(
    site: Site, target: Path
) -> None:
    site.ranges, site.breaks, site.break_after = False, -1, 1000
    with pytest.raises(DataError, match="stopped after 1,000"):
        get(site, target)
    assert len(site.asked) == 2


def test_another_range_than_was_asked_for_is_never_appended(site: Site, target: Path) -> None:
    site.wrong_range = True
    leave_part(target, CONTENT[:1000])
    with pytest.raises(DataError, match="another range"):
        get(site, target)
    assert not target.exists()
    get(site, target)
    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize("stale", [b"another version", CONTENT + b"more", CONTENT[:-1] + b"?"])
def test_a_stale_part_is_fetched_again_from_the_start(
    site: Site, target: Path, stale: bytes
) -> None:
    leave_part(target, stale)
    get(site, target)
    assert target.read_bytes() == CONTENT
    assert site.asked[-1] is None


def test_a_part_that_was_whole_already_is_used(site: Site, target: Path) -> None:
    leave_part(target, CONTENT)
    get(site, target)
    assert target.read_bytes() == CONTENT
    assert site.asked == [f"bytes={len(CONTENT)}-"]


def test_a_wrong_byte_is_named_and_never_used(site: Site, target: Path) -> None:
    site.content = CONTENT[:-1] + b"?"
    with pytest.raises(DataError, match=r"file\.bin: came from .* with the SHA-256"):
        get(site, target)
    assert list(target.parent.iterdir()) == []


def test_a_wrong_byte_leaves_the_file_that_was_there(site: Site, target: Path) -> None:
    target.parent.mkdir()
    target.write_bytes(b"older")
    site.content = b"wrong"
    with pytest.raises(DataError):
        get(site, target)
    assert target.read_bytes() == b"older"


@pytest.mark.parametrize("status", [403, 404, 429, 500])
def test_a_refusal_is_named_and_not_asked_twice(site: Site, target: Path, status: int) -> None:
    site.status = status
    with pytest.raises(DataError, match=rf"file\.bin: answers {status} ") as caught:
        get(site, target)
    assert "get the file yourself" in caught.value.hint
    assert len(site.asked) == 1


def test_a_stall_ends_in_an_error_in_time(site: Site, target: Path) -> None:
    site.breaks, site.break_after, site.stalls = -1, 0, True
    started = Deadline.after(60)
    with pytest.raises(DataError, match="timed out"):
        get(site, target)
    assert started.remaining() > 5


def test_a_server_that_drips_is_cut_off_by_the_deadline(site: Site, target: Path) -> None:
    site.breaks, site.break_after = -1, 1
    with pytest.raises(DataError):
        get(site, target, seconds=0.5)
    assert 0 < part_of(target).stat().st_size < len(CONTENT)


def test_an_endless_answer_is_cut_off(site: Site, target: Path) -> None:
    with pytest.raises(DataError, match="more than 100,000 bytes"):
        get(site, target, bytes_max=100_000)
    assert list(target.parent.iterdir()) == []


def test_a_dead_host_is_an_error_with_a_next_step(target: Path, site: Site) -> None:
    site.url = "http://127.0.0.1:9/file.bin"
    with pytest.raises(DataError, match="refused") as caught:
        get(site, target)
    assert "https_proxy" in caught.value.hint


def test_the_proxy_of_the_environment_is_heeded(
    site: Site, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy, _, _ = site.url.rpartition("/")
    monkeypatch.setenv("http_proxy", proxy)
    site.url = "http://origin.invalid/file.bin"
    get(site, target)
    assert site.paths == ["http://origin.invalid/file.bin"]


FILES = {"a.bin": b"first", "b.bin": b"second", "y_labels.csv": b"a.bin,2,0\nb.bin,2,1\n"}
"""A whole set."""


def write_pins(tmp_path: Path, source: str) -> Path:
    """A folder of pinned sums with the set `kws01` of `FILES`."""
    folder = tmp_path / "pins"
    folder.mkdir()
    sums = {name: hashlib.sha256(data).hexdigest() for name, data in FILES.items()}
    lines = "".join(f"{sha256}  {name}\n" for name, sha256 in sums.items())
    (folder / "kws01.sha256").write_text(lines)
    common = "".join(f'{key} = "-"\n' for key in ("title", "origin", "licence", "get"))
    (folder / "sources.toml").write_text(
        f'schema = 1\n[sets.kws01]\n{common}folder = "datasets/kws01"\n{source}'
    )
    return folder


@pytest.fixture
def single_files(site: Site, tmp_path: Path) -> Path:
    """Pins of a set whose files are fetched one by one."""
    base = site.url.removesuffix("file.bin")
    site.others |= {f"/far/{name}": data for name, data in FILES.items()}
    paths = "".join(f'"{name}" = "far/{name}"\n' for name in FILES)
    return write_pins(
        tmp_path,
        f'[sets.kws01.files]\nbase = "{base}"\nbytes_max = 1000\n[sets.kws01.files.paths]\n{paths}',
    )


def repository(files: Mapping[str, bytes]) -> bytes:
    """An archive as a code host packs it."""
    packed = io.BytesIO()
    inside = {f"repo-abc/datasets/kws01/{name}": data for name, data in files.items()}
    inside["repo-abc/datasets/kws01/README.md"] = b"not pinned"
    inside["repo-abc/datasets/other/a.bin"] = b"of another set"
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, data in inside.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return packed.getvalue()


@pytest.fixture
def packed(site: Site, tmp_path: Path) -> Path:
    """Pins of a set that is fetched as an archive."""
    site.content = repository(FILES)
    return write_pins(
        tmp_path,
        f'[sets.kws01.archive]\nurl = "{site.url}"\nlayout = "files"\nbytes_max = 100_000\n',
    )


def contents(root: Path) -> dict[str, bytes]:
    """Every file below a folder, by its path there."""
    paths = (path for path in root.rglob("*") if path.is_file())
    return {str(path.relative_to(root)): path.read_bytes() for path in paths}


WHOLE = {f"datasets/kws01/{name}": data for name, data in FILES.items()}


@pytest.mark.parametrize("way", ["single_files", "packed"])
def test_a_set_is_fetched_whole_and_only_once(
    site: Site, tmp_path: Path, way: str, request: pytest.FixtureRequest
) -> None:
    pinned, root = request.getfixturevalue(way), tmp_path / "root"
    assert fetch(root, "kws01", pinned=pinned).complete
    assert contents(root) == WHOLE
    asked = len(site.asked)
    assert fetch(root, "kws01", pinned=pinned).complete
    assert len(site.asked) == asked


def test_only_what_is_missing_or_altered_is_fetched(
    site: Site, tmp_path: Path, single_files: Path
) -> None:
    folder = tmp_path / "datasets" / "kws01"
    folder.mkdir(parents=True)
    (folder / "a.bin").write_bytes(FILES["a.bin"])
    (folder / "b.bin").write_bytes(b"torn")
    (folder / "mine.txt").write_bytes(b"kept")
    assert fetch(tmp_path, "kws01", pinned=single_files).extra == ("mine.txt",)
    assert site.paths == ["/far/b.bin", "/far/y_labels.csv"]
    assert (folder / "b.bin").read_bytes() == FILES["b.bin"]


def test_a_wrong_file_of_an_archive_is_named_and_never_written(
    site: Site, tmp_path: Path, packed: Path
) -> None:
    site.content = repository(FILES | {"b.bin": b"wrong"})
    with pytest.raises(DataError, match=r"b\.bin: came with the SHA-256"):
        fetch(tmp_path / "root", "kws01", pinned=packed)
    assert contents(tmp_path / "root") == {"datasets/kws01/a.bin": FILES["a.bin"]}


def test_an_archive_that_lacks_a_file_is_not_called_whole(
    site: Site, tmp_path: Path, packed: Path
) -> None:
    site.content = repository({name: FILES[name] for name in ("a.bin", "y_labels.csv")})
    with pytest.raises(DataError, match=r"not the whole set: 1 missing \(b\.bin\)"):
        fetch(tmp_path / "root", "kws01", pinned=packed)


def test_a_damaged_archive_is_deleted_so_that_the_next_run_is_whole(
    site: Site, tmp_path: Path, packed: Path
) -> None:
    whole = site.content
    site.content = whole[: len(whole) // 2]
    with pytest.raises(DataError, match=r"is not a complete \.tar\.gz"):
        fetch(tmp_path / "root", "kws01", pinned=packed)
    site.content = whole
    assert fetch(tmp_path / "root", "kws01", pinned=packed).complete
    assert contents(tmp_path / "root") == WHOLE


def test_what_is_not_published_is_not_asked_for(site: Site, tmp_path: Path) -> None:
    pinned = write_pins(tmp_path, "")
    with pytest.raises(DataError, match="does not publish it"):
        fetch(tmp_path, "kws01", pinned=pinned)
    with pytest.raises(DataError, match="is not built from an archive"):
        build(tmp_path, "kws01", pinned=pinned)
    assert site.asked == []


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, packed: Path) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / ".downloads").write_bytes(b"a file in the way")
    with pytest.raises(WriteError, match=r"\.downloads: cannot be written"):
        fetch(tmp_path / "root", "kws01", pinned=packed)
