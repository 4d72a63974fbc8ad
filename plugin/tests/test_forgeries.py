"""Forged runs: `tinyhil verify` names each of them, and a signature what nothing else can tell."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from tinyhil.catalog.bench import key_of
from tinyhil.cli.main import main
from tinyhil.data.material import Material
from tinyhil.ground.errors import ConfigError
from tinyhil.judge.verify import trust
from tinyhil.judge.verify.answers import Answer, Device
from tinyhil.judge.verify.clocks import check_clocks
from tinyhil.judge.verify.conversation import Heard
from tinyhil.judge.verify.findings import Findings
from tinyhil.judge.verify.run import verify
from tinyhil.record import kept
from tinyhil.record.schema import Line
from tinyhil.record.seal import seal
from tinyhil.record.signing import check_key, sign

from .forged_run import Forged
from .forgeries import (
    MANY,
    SEEN,
    UNSEEN,
    a_measure_left_out,
    many_at_once,
    right_answers_in_the_bytes,
    times_that_do_not_add_up,
    wrong_answers_to_changed_samples,
)
from .runs import new_key


@pytest.fixture(scope="module")
def run(quick: tuple[Path, str]) -> Path:
    """A real run, which its bench has signed; read only."""
    (folder,) = (path.parent for path in quick[0].glob("*_mps2-an386/record.jsonl"))
    return folder


@pytest.fixture(scope="module")
def key(shared: Path, quick: tuple[Path, str]) -> Path:
    """Of the bench."""
    del quick  # It was made for that.
    return shared / "bench"


def said(folder: Path, signers: Path | None = None) -> list[str]:
    """Findings and notes."""
    report = verify(folder, signers=signers)
    return [str(finding) for finding in (*report.findings, *report.notes)]


def test_the_run_of_a_bench_with_a_key_is_signed_and_nothing_is_against_it(
    run: Path, key: Path
) -> None:
    assert len(SEEN) >= 15
    assert said(run, key.with_suffix(".signers")) == []
    assert verify(run).signature.text.startswith("signed with the key SHA256:")
    (page,) = run.parent.glob("*_report/report.html")
    assert "<dt>seals</dt><dd>signed</dd>" in page.read_text()


@pytest.mark.parametrize(("forge", "text"), SEEN, ids=lambda each: getattr(each, "__name__", ""))
def test_a_forgery_is_named_though_the_run_was_sealed_anew(
    run: Path, tmp_path: Path, forge: Callable[[Forged], None], text: str
) -> None:
    forged = Forged(run, tmp_path / run.name)
    forge(forged)
    found = said(forged.close())
    assert not any("changed" in finding for finding in found), "the seal alone would not do"
    assert re.search(text, "\n".join(found)), found


def test_what_no_figure_shows_is_named_in_each_place(run: Path, tmp_path: Path) -> None:
    forged = Forged(run, tmp_path / run.name)
    many_at_once(forged)
    found = "\n".join(said(forged.close()))
    assert [text for text in MANY if not re.search(text, found)] == [], found


def test_times_of_the_timer_must_add_up_to_the_time_stamps(run: Path, tmp_path: Path) -> None:
    forged = Forged(run, tmp_path / run.name)
    times_that_do_not_add_up(forged)
    found = "\n".join(said(forged.close()))
    assert "do not add up to what the time stamps around them say" in found
    assert "times that are not the device's" not in found


def test_a_measure_that_is_not_finished_hides_no_answers_in_silence(
    run: Path, tmp_path: Path
) -> None:
    forged = Forged(run, tmp_path / run.name)
    a_measure_left_out(forged)
    unseen = verify(forged.close()).unseen
    assert "answers that no row has of kws01 (a measure is not finished)" in unseen


def test_any_field_of_a_line_that_is_changed_is_named(run: Path, tmp_path: Path) -> None:
    forged = Forged(run, tmp_path / run.name)
    for name in sorted({field.alias or key for key, field in Line.model_fields.items()}):
        if name in ("started", "seconds", "error"):
            continue  # By the signature: see `UNSEEN`.
        line = dict(forged.lines[0])
        value = line[name]
        line[name] = other(value)
        before, forged.lines[0] = forged.lines[0], line
        found = said(forged.close())
        assert any(finding.startswith("record.jsonl, line 1: ") for finding in found), name
        forged.lines[0] = before


def other(value: object) -> object:
    """Another value of the same kind."""
    match value:
        case bool():
            return not value
        case int() | float():
            return value + 1
        case dict():
            return {key: other(inner) for key, inner in value.items()} or {"top1": {"min": 1.0}}
        case str() if re.fullmatch("[0-9a-f]{64}", value):
            return value[::-1]
    return "pass" if value == "not judged" else "memory"


@pytest.mark.parametrize("forge", UNSEEN, ids=lambda each: each.__name__)
def test_what_nothing_else_can_see_a_signature_shows(
    run: Path, tmp_path: Path, key: Path, forge: Callable[[Forged], None]
) -> None:
    signers, old = key.with_suffix(".signers"), (run / "seal.json.sig").read_bytes()
    forged = Forged(run, tmp_path / run.name)
    forge(forged)
    folder = forged.close()
    assert said(folder) == []
    assert not (folder / "seal.json.sig").exists(), "sealed anew, it is signed anew or not at all"
    assert said(folder, signers) == ["seal.json.sig: is not there: nobody vouches for this seal"]
    (folder / "seal.json.sig").write_bytes(old)
    wrong = "seal.json.sig: is not a signature of this seal by tinyhil"
    assert said(folder) == said(folder, signers) == [wrong]


def test_a_signature_tells_who_and_another_key_is_not_allowed(
    run: Path, tmp_path: Path, key: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = Path(shutil.copytree(run, tmp_path / run.name))
    signers = str(key.with_suffix(".signers"))
    (folder / "seal.json.sig").unlink()
    assert verify(folder).signature.text == "unsigned"
    assert main(["results", str(folder), "--format", "markdown"]) == 0
    assert "verified, unsigned" in capsys.readouterr().out
    sign(folder, key)
    assert main(["verify", str(folder), "--signers", signers]) == 0
    assert "sealed, signed by bench-4@lab" in " ".join(capsys.readouterr().out.split())
    assert main(["results", str(folder), "--format", "markdown"]) == 0
    assert "verified, signed with the key SHA256:" in capsys.readouterr().out
    sign(folder, new_key(tmp_path / "stranger"))
    (finding,) = said(folder, Path(signers))
    assert "none of the allowed signers" in finding
    subprocess.run(
        ["ssh-keygen", "-q", "-Y", "sign", "-f", str(key), "-n", "git", str(folder / "seal.json")],
        check=True, capture_output=True, input=b"y\n",
    )  # fmt: skip
    (finding,) = said(folder, Path(signers))
    assert "is not a signature of this seal by tinyhil" in finding, "of another namespace"


def test_a_key_that_does_not_sign_is_refused_before_anything_is_measured(tmp_path: Path) -> None:
    secret = new_key(tmp_path / "secret", "passphrase")
    for key, text in ((secret, "cannot sign"), (tmp_path / "none", "no such file")):
        with pytest.raises(ConfigError, match=f"option --hil-sign: .*{text}") as raised:
            check_key(key, "option --hil-sign")
        assert raised.value.hint
    bench = tmp_path / "bench.toml"
    bench.write_text('schema = 1\nsign = "secret"\n')
    assert key_of(bench) == secret


def test_readers_refuse_or_mark_what_does_not_agree(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    forged = Forged(run, tmp_path / run.name)
    forged.subject(emulated=False)
    folder = str(forged.close())
    system = tmp_path / "system.toml"
    system.write_text('system = "x"\n[description]\n')
    export = ["--system", str(system), "--division", "open", "--category", "rdi", "--out"]
    out = str(tmp_path / "out")
    for command in (
        ["gate", folder, str(run)],
        ["gate", "--save", str(tmp_path / "baseline.json"), folder],
        ["report", folder, "--out", str(tmp_path / "page.html")],
        ["submission", "export", folder, *export, out],
    ):
        assert main(command) == 2, command
        told = " ".join(capsys.readouterr().err.split())
        assert "does not agree: seal.json: names qemu" in told
    assert sorted(path.name for path in tmp_path.iterdir()) == [run.name, "system.toml"]
    assert main(["results", folder, "--format", "markdown"]) == 0
    told = capsys.readouterr().out
    assert "CHANGED" in told
    assert "do not trust its figures" in told
    (Path(folder) / "seal.json").unlink()
    assert main(["submission", "export", folder, *export, out]) == 2
    assert "is not sealed" in capsys.readouterr().err


def test_a_verified_run_is_known_until_a_file_of_it_is_touched(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(shutil.copytree(run, tmp_path / run.name))
    assert trust.trust_of(folder).state == "verified"
    with monkeypatch.context() as patch:
        patch.setattr(trust, "_verified", pytest.fail)
        assert trust.trust_of(folder).state == "verified"
        moved = folder.rename(tmp_path / "moved")
        assert trust.trust_of(moved).state == "verified", "its files are as they were sealed"
    log = moved / "raw" / "kws01-serial.log"
    log.write_bytes(log.read_bytes().replace(b"m-ready", b"m-READY", 1))
    assert trust.trust_of(moved).state == "disagrees"
    log.write_bytes(log.read_bytes().replace(b"m-READY", b"m-ready", 1))
    assert trust.trust_of(moved).state == "verified"


def test_answers_that_were_rewritten_down_to_the_bytes_are_seen_by_the_model_itself(
    run: Path, tmp_path: Path, stand_in: Material
) -> None:
    forged = Forged(run, tmp_path / run.name)
    right_answers_in_the_bytes(forged)
    folder, root = forged.close(), stand_in.data.folder.parent
    text = r"kws01-accuracy.jsonl, line \d+: \S+: the device answered .*, the model gives 0\.\d{3}"
    assert not re.search(text, "\n".join(said(folder)))
    found = [str(finding) for finding in verify(folder, root).findings]
    assert sum(bool(re.search(text, finding)) for finding in found) == 20, "the rest is counted"


@pytest.mark.long
def test_wrong_answers_to_changed_samples_are_seen_by_the_model_itself(
    run: Path, tmp_path: Path, stand_in: Material
) -> None:
    forged = Forged(run, tmp_path / run.name)
    wrong_answers_to_changed_samples(forged)
    folder = forged.close()
    assert said(folder) == []
    found = [str(finding) for finding in verify(folder, stand_in.data.folder.parent).findings]
    assert len(found) == 2
    assert all("the device answered 0.000, 0.000, 0.000, 1.000" in finding for finding in found)


@pytest.mark.parametrize(
    ("device_us", "host_s", "text"),
    [
        (10_000_000, 10.02, None),
        (10_000_000, 15.4, None),
        (10_000_000, 9.0, "says that it took 10.000 s, question and answer were 9.000 s apart"),
        (5_000_000, 10.02, "even the quickest answer took 10.020 s on the host's clock, the"),
    ],
)
def test_times_that_are_not_the_hosts_are_named(
    device_us: int, host_s: float, text: str | None
) -> None:
    asked = [Answer("raw/x.log", line, 0, b"", True, 1, 0, 0, 0, device_us, (0.5,), None, True,
                    20.0 * line, 20.0 * line + host_s) for line in range(1, 4)]  # fmt: skip
    findings = Findings()
    check_clocks(Heard(tuple(asked), Device(), (), 0, (), 0), {}, 10**6, findings)
    found = [str(finding) for finding in findings.all]
    assert bool(found) == bool(text)
    assert all(text and text in finding for finding in found)


DEEP = '{"a":' * 50_000 + "1" + "}" * 50_000


def bomb(path: Path) -> None:
    """Zeros that take a thousand times the room when they are unpacked."""
    path.write_bytes(zlib.compress(bytes(kept.MAX_KEPT_BYTES + 1), wbits=31))


def first_kept(folder: Path) -> Path:
    """The image."""
    job = json.loads((folder / "run.json").read_text())["jobs"]["kws01"]
    return folder / "kept" / f"{job['subject']['firmware_sha256']}.gz"


HOSTILE: dict[str, tuple[Callable[[Path], object], str]] = {
    "a bomb": (lambda run: bomb(first_kept(run)), r"kept/.*: unpacks to more than 1,048,576"),
    "a torn part": (
        lambda run: first_kept(run).write_bytes(first_kept(run).read_bytes()[:999]),
        r"kept/.*: is cut short",
    ),
    "no part": (lambda run: first_kept(run).unlink(), r"kept/.*: cannot be read: No such file"),
    "no gzip": (lambda run: first_kept(run).write_bytes(b"an image"), r"kept/.*: is damaged"),
    "another part": (
        lambda run: first_kept(run).write_bytes(zlib.compress(b"x", wbits=31)),
        r"kept/.*: is not what its name says",
    ),
    "a deep line": (
        lambda run: (run / "record.jsonl").open("a").write(f"{DEEP}\n"),
        r"record.jsonl, line \d+: is nested too deep",
    ),
    "a deep seal": (lambda run: (run / "seal.json").write_text(DEEP), r"seal.json: is nested too"),
    "a NUL log": (
        lambda run: (run / "raw" / "kws01-serial.log").write_bytes(bytes(1 << 20) + b"\n"),
        r"serial.log, line 1: is not a line of a raw log",
    ),
    "a batch of many queries": (
        lambda run: (run / "raw" / "kws01-single_stream.jsonl").write_text(
            '{"sample": "a", "times": [1], "unit": "us", "start_us": 0, "end_us": 1,'
            ' "count": 9007199254740991}\n'
        ),
        r"single_stream.jsonl, line 1: key 'count'",
    ),
    "a row that hides others": (
        lambda run: (run / "raw" / "kws01-accuracy.jsonl").write_text(
            "NaN\n" + (run / "raw" / "kws01-accuracy.jsonl").read_text()
        ),
        r"accuracy.jsonl: nothing of it after that was looked at",
    ),
    "a long signature": (
        lambda run: (run / "seal.json.sig").write_bytes(bytes(1 << 17)),
        r"seal.json.sig: is too long for a signature",
    ),
}
NO_RUN: dict[str, tuple[Callable[[Path], object], str]] = {
    "a link among the parts": (
        lambda run: (run / "kept" / "x.gz").symlink_to("/dev/zero"), r"kept/x.gz: a symbolic link"),
    "parts elsewhere": (
        lambda run: (run / "kept").rename(run.parent / "x") and (run / "kept").symlink_to("../x"),  # type: ignore[func-returns-value]
        r"kept: a symbolic link",
    ),
    "a path for a sum": (
        lambda run: (run / "run.json").write_text(
            (run / "run.json").read_text().replace(first_kept(run).stem, "../../../etc/passwd")
        ),
        r"run.json: key 'jobs.kws01.subject': 'firmware_sha256' is not a SHA-256",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_hostile_is_named_and_ends_nothing(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(kept, "MAX_KEPT_BYTES", 1 << 20)
    damage, text = HOSTILE[name]
    folder = Path(shutil.copytree(run, tmp_path / "run"))
    damage(folder)
    if not name.endswith(("seal", "signature")):
        seal(folder, {})
    assert re.search(text, "\n".join(said(folder)))


@pytest.mark.parametrize("name", NO_RUN)
def test_what_no_run_has_is_refused(run: Path, tmp_path: Path, name: str) -> None:
    damage, text = NO_RUN[name]
    folder = Path(shutil.copytree(run, tmp_path / "run"))
    damage(folder)
    with pytest.raises(ConfigError, match=text):
        verify(folder)
