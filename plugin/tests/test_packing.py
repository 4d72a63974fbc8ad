"""Packed logs: the data set's samples are left out, and nothing else is lost."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import shutil
import zlib
from collections.abc import Callable
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import cast

import pytest

from tinyhil.catalog.task import Task
from tinyhil.data.material import Material
from tinyhil.ground.errors import ConfigError
from tinyhil.judge.verify.findings import Findings
from tinyhil.judge.verify.matching import Claim, Matching
from tinyhil.judge.verify.run import Report, verify
from tinyhil.judge.verify.samples import check_names
from tinyhil.record import seal
from tinyhil.record.packing import Known, Transcript, pack, writer
from tinyhil.record.packing.transcript import VERSION

from .test_verify import by_text, folder, framed  # noqa: F401 - fixtures

Packer = Callable[[Path], None]


@pytest.fixture
def packer(monkeypatch: pytest.MonkeyPatch, kws01: Task, stand_in: Material) -> Packer:
    """Packs all logs of a run, however short, and seals it."""
    monkeypatch.setattr(writer, "LEAST_BYTES", 1)
    samples = [sample.data for sample in stand_in.data.samples]

    def packed(run: Path) -> None:
        for log in (run / "raw").glob("*.log"):
            assert pack(log, Known(kws01, samples), samples)
        seal.seal(run, {})

    return packed


def transcript(path: Path, stand_in: Material | None = None) -> Transcript:
    samples = [one.data for one in stand_in.data.samples] if stand_in else []
    material = {hashlib.sha256(data).hexdigest(): data for data in samples} or None
    return Transcript(path.read_bytes(), str(path), material, lambda *_: None)


def rewrite(run: Path, change: Callable[[str], str]) -> None:
    """Change the packed logs as somebody does who knows their form, and seal the run anew."""
    for log in (run / "raw").glob("*.gz"):
        log.write_bytes(gzip.compress(change(gzip.decompress(log.read_bytes()).decode()).encode()))
    seal.seal(run, {})


def told(report: Report) -> str:
    return "\n".join(map(str, report.findings))


def test_a_packed_run_is_checked_as_before_and_says_what_it_needs_the_data_for(
    folder: Path,  # noqa: F811
    stand_in: Material,
    packer: Packer,
) -> None:
    logs = {log.name: log.read_bytes() for log in (folder / "raw").glob("*.log")}
    data = stand_in.data.folder.parent
    before = verify(folder, data)
    packer(folder)
    packed = list((folder / "raw").glob("*.gz"))
    assert not list((folder / "raw").glob("*.log"))
    assert len(packed) == len(logs)
    assert sum(log.stat().st_size for log in packed) * 5 < sum(map(len, logs.values()))
    for log in packed:
        again = b"".join(line for _, line in transcript(log, stand_in).lines())
        assert again == logs[log.stem]
        assert hashlib.sha256(again).hexdigest() == transcript_heads(log)[0]
    for report, words in (
        (verify(folder, data), ()),
        (verify(folder), ("the bytes of samples, which its logs name by their sums of kws01",)),
    ):
        assert told(report) == ""
        assert (report.measures, report.answers, report.transfers) == (
            (before.measures, before.answers, before.transfers)
        )
        assert all(any(word in one for one in report.unseen) for word in words)


def transcript_heads(log: Path) -> list[str]:
    read = transcript(log)
    for _ in read.lines():
        pass
    return read.heads


@pytest.mark.long
def test_a_byte_that_was_changed_on_the_wire_is_in_the_packed_log(
    folder: Path,  # noqa: F811
    stand_in: Material,
    packer: Packer,
) -> None:
    """In the middle of the longest thing that was sent: it stands for nothing but itself."""
    whole = {}
    for log in (folder / "raw").glob("*.log"):
        lines = log.read_text().splitlines(keepends=True)
        sent = [number for number, line in enumerate(lines) if " > " in line]
        longest = max(reversed(sent), key=lambda number: len(lines[number]))
        place = len(lines[longest]) // 2
        other = "1" if lines[longest][place] != "1" else "2"
        lines[longest] = lines[longest][:place] + other + lines[longest][place + 1 :]
        log.write_text("".join(lines))
        whole[log.name] = log.read_bytes()
    seal.seal(folder, {})
    before = verify(folder).findings
    assert before
    packer(folder)
    for log in (folder / "raw").glob("*.gz"):
        assert b"".join(line for _, line in transcript(log, stand_in).lines()) == whole[log.stem]
    for data in (None, stand_in.data.folder.parent):
        assert set(map(str, before)) <= set(map(str, verify(folder, data).findings))


@pytest.mark.long
@pytest.mark.parametrize(
    ("pattern", "new", "without", "with_data"),
    [
        (r"(sample )[0-9a-f]{8}", r"\g<1>00000000", "by its sum", "that the data set lacks"),
        (r"(input \d+ 0 490) \w{8}", r"\1 00000000", "no raw log holds", "names another CRC-32"),
        (r"(own ...)\w\w", r"\1AA", "no raw log holds an answer", "does not unpack to the log"),
    ],
)  # fmt: skip
def test_a_packed_log_that_was_forged_is_named(
    framed: Path,  # noqa: F811
    tmp_path: Path,
    stand_in: Material,
    packer: Packer,
    pattern: str,
    new: str,
    without: str,
    with_data: str,
) -> None:
    run = Path(shutil.copytree(framed, tmp_path / "run"))
    packer(run)
    rewrite(run, lambda text: re.sub(pattern, new, text))
    assert re.search(without, told(verify(run))), told(verify(run))
    said = told(verify(run, stand_in.data.folder.parent))
    assert re.search(with_data, said), said


def test_a_resumed_log_goes_on_behind_its_packed_part(
    framed: Path,  # noqa: F811
    tmp_path: Path,
    stand_in: Material,
    packer: Packer,
) -> None:
    """And one that a killed process had packed, and not yet removed, counts once."""
    run = Path(shutil.copytree(framed, tmp_path / "run"))
    before, log = verify(run), run / "raw" / "kws01-serial.log"
    whole = log.read_bytes()
    lines = whole.splitlines(keepends=True)
    half = len(lines) // 2
    for part in (lines[:half], lines[half:]):
        log.write_bytes(b"".join(part))
        packer(run)
    packed = log.with_name(f"{log.name}.gz")
    assert len(transcript_heads(packed)) == 2
    assert b"".join(line for _, line in transcript(packed, stand_in).lines()) == whole
    log.write_bytes(b"".join(lines[half:]))
    seal.seal(run, {})
    report = verify(run)
    assert told(report) == ""
    assert (report.measures, report.transfers) == (before.measures, before.transfers)


def test_no_packed_log_however_odd_ends_in_anything_but_lines_or_an_error(
    framed: Path,  # noqa: F811
    tmp_path: Path,
    packer: Packer,
) -> None:
    run, random = Path(shutil.copytree(framed, tmp_path / "run")), Random(5)  # noqa: S311
    packer(run)
    log = run / "raw" / "kws01-rtt.log.gz"
    whole = gzip.decompress(log.read_bytes())
    odd = [b"", b"{", b"{}\n", log.read_bytes()[:999], gzip.compress(b"x" * 80_000_000)]
    head = whole.split(b"\n", 1)[0] + b"\n"
    for text in (
        *("00001.000000 > frames:d0.0.1", "00001.000000 > piece:0+1", "query 0 0 0", "load 0"),
        *("input 0 0 1 00000000", "sample " + 64 * "0" + " 999999999", "own !", "odd"),
        "sample " + 64 * "0" + " 1000\ninput 0 999 2 00000000",
        "own AAAA\nquery 0 0 0\n00001.000000 > frames:s1,d0.0.3x99999",
        *("own \nquery 0 999 0", "own \nquery 0 0 99999", "own \nquery 0 1 0 0 9999999999"),
        '{"deep":' + 100_000 * "[",
    ):
        odd.append(gzip.compress(head + text.encode() + b"\n"))
    for _ in range(20):
        lines = bytearray(whole)
        for _ in range(random.randint(1, 4)):
            lines[random.randrange(len(lines))] = random.randrange(256)
        odd.append(gzip.compress(bytes(lines), 1))
    errors = []
    for packed in odd:
        log.write_bytes(packed)
        try:
            for _ in transcript(log).lines():
                pass
        except ConfigError as error:
            errors.append(str(error))
    assert len(errors) > 18
    assert all("is damaged" in error and "next step: " in error for error in errors)


def test_what_stands_for_a_part_of_a_sample_is_not_held_against_its_bytes() -> None:
    """One log of a run is packed, and the other too short for it; the data set is not at hand."""
    data = bytes(range(200))
    crc, sha256 = f"{zlib.crc32(data[:100]):08x}", hashlib.sha256(data).hexdigest()
    tells = (f"sample {sha256} 200", f"input 0 0 100 {crc}", f"input 0 0 200 {crc}")
    text = "\n".join((json.dumps({"packed": VERSION, "lines": 0}), *tells, ""))
    packed = Transcript(gzip.compress(text.encode()), "log", None, lambda *_: None)
    assert list(packed.lines()) == []
    assert len(packed.parts) == 1, "of a whole sample, its own sum is known"
    (part,) = packed.parts

    def found(*digests: bytes) -> int:
        answers = [SimpleNamespace(digest=digest) for digest in digests]
        claim = Claim("raw/ad01-accuracy.jsonl", 1, "a.bin", 0, None, None, 1)
        matching = SimpleNamespace(answers=answers, used=dict.fromkeys(range(len(answers)), claim))
        findings = Findings()
        check_names(cast(Matching, matching), packed.parts, findings)
        return len(findings.all)

    own = hashlib.sha256(data[:100]).digest()
    assert found(part, own, part, own) == 0
    assert found(part, own, hashlib.sha256(b"other").digest()) == 1
