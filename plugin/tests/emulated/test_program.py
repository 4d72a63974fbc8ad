"""Which QEMU plays a board, and where a newer one comes from."""

from __future__ import annotations

from pathlib import Path

import pytest

from tinyhil.emulator import program, unpack
from tinyhil.ground.errors import BenchError


def qemu(place: Path, version: str) -> Path:
    """A program that says it is QEMU of this version."""
    place.parent.mkdir(parents=True, exist_ok=True)
    says = f"#!/bin/sh\necho 'QEMU emulator version {version} (Debian)'\n"
    place.write_text(says, encoding="utf-8")
    place.chmod(0o755)
    return place


def test_the_installed_one_is_taken_if_it_is_new_enough_else_the_unpacked_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = qemu(tmp_path / "bin" / program.QEMU, "7.2.22")
    monkeypatch.setenv("PATH", str(own.parent))
    monkeypatch.setattr(program, "user_cache", lambda: tmp_path / "cache")
    assert program.find_qemu("", "any") == own
    with pytest.raises(BenchError, match=r"needs qemu-system-arm >=9, .* is 7\.2\.22") as caught:
        program.find_qemu(">=9", "any")
    assert "make qemu" in caught.value.hint
    other = qemu(program.unpacked_folder() / "usr" / "bin" / program.QEMU, "10.0.2")
    assert program.find_qemu(">=9", "any") == other
    assert program.find_qemu("", "any") == own
    with pytest.raises(BenchError):
        program.find_qemu(">=10.1", "any")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BenchError, match="is not installed"):
        program.find_qemu("", "any")


@pytest.mark.parametrize(
    ("file", "text"),
    [
        (
            "sources.list.d/debian.sources",
            "Types: deb\n# a remark\nURIs: http://other.example\nSuites: else\n\n"
            "Types: deb\nURIs: http://archive.example/debian\nSuites: bookworm bookworm-updates\n"
            "Signed-By: /usr/share/keyrings/k.gpg\n",
        ),
        (
            "sources.list",
            "# deb http://old.example bookworm main\n"
            "deb [arch=amd64 signed-by=/usr/share/keyrings/k.gpg] http://archive.example/debian "
            "bookworm main\n",
        ),
    ],
)
def test_the_archive_is_the_one_that_apt_uses(tmp_path: Path, file: str, text: str) -> None:
    path = tmp_path / "apt" / file
    path.parent.mkdir(parents=True)
    path.write_text(text)
    found = unpack.source("bookworm", tmp_path)
    assert found == ("http://archive.example/debian", "/usr/share/keyrings/k.gpg")
    with pytest.raises(BenchError, match="no source of the release 'trixie'"):
        unpack.source("trixie", tmp_path)


def test_only_debian_is_known(tmp_path: Path) -> None:
    release = tmp_path / "os-release"
    release.write_text('ID=debian\nVERSION_CODENAME="bookworm"\n')
    assert unpack.codename(tmp_path) == "bookworm"
    release.write_text("ID=fedora\nVERSION_CODENAME=none\n")
    with pytest.raises(BenchError, match="only Debian"):
        unpack.codename(tmp_path)
