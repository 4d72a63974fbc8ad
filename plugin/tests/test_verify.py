"""The check of a record: real runs agree, and every change in them is named."""

from __future__ import annotations

import argparse
import json
import re
import shutil
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import StringIO
from pathlib import Path
from random import Random
from typing import Any

import pytest
from rich.console import Console

from tinyhil.catalog.board import Board
from tinyhil.catalog.facts import Metric
from tinyhil.catalog.task import Task
from tinyhil.data.material import Material
from tinyhil.device.dut import Dut
from tinyhil.emulator.foreign import Fault, ForeignDevice
from tinyhil.ground.errors import ConfigError
from tinyhil.image.build import Firmware
from tinyhil.judge.verify import command
from tinyhil.judge.verify.findings import Finding
from tinyhil.judge.verify.run import verify
from tinyhil.measure.job import Job
from tinyhil.record import seal

from . import recorded
from .runs import Once

AUDIT: tuple[Metric, ...] = ("audit_caching",)


def scores(data: bytes) -> list[float]:
    """Another answer to each sample."""
    return [(zlib.crc32(data + bytes([number])) % 1000) / 1000 for number in range(12)]


def job_of(task: Task, material: Material, image: Firmware, dut: Dut, link: str) -> Job:
    own = dut.station == "mps2-an386"
    return Job(
        dut,
        task,
        material,
        image.image,
        image.model.sha256 if own else None,
        link,
        quick=True,
        all_windows=False,
        read_back=0.05,
        faults=None,
        seed=1,
    )


def _only(runs: Path) -> Path:
    (folder,) = (file.parent for file in runs.glob("*/run.json"))
    return folder


@pytest.fixture(scope="module")
def framed(
    live: Dut,
    kws01: Task,
    stand_in: Material,
    stand_in_firmware: Firmware,
    once: Once,
) -> Path:
    """A run on the emulated board: accuracy through the probe, the rest by frames on the wire;
    cut short twice."""

    def fill(runs: Path) -> None:
        job = job_of(kws01, stand_in, stand_in_firmware, live, "rtt")
        metrics = (*recorded.METRICS, *AUDIT)
        folder = recorded.measure(runs, job, metrics, rows=11)
        recorded.measure(runs, job, metrics, folder=folder, rows=15)
        recorded.measure(runs, job, metrics, folder=folder)

    return _only(once("framed", fill))


@pytest.fixture(scope="module")
def by_text(
    mps2: Board,
    kws01: Task,
    stand_in: Material,
    stand_in_firmware: Firmware,
    once: Once,
) -> Path:
    """A run on a device that speaks the official protocol alone, and breaks now and then."""
    faults = [
        Fault("noise", "infer", nth=4),
        Fault("lost-digits", "db ", nth=60),
        Fault("restart", "infer", nth=50),
        Fault("error", "infer", nth=80),
    ]

    def fill(runs: Path) -> None:
        with ForeignDevice("kws01", scores, faults=faults) as device:
            dut = recorded.on_desk(mps2, device.port)
            job = job_of(kws01, stand_in, stand_in_firmware, dut, "serial")
            recorded.measure(runs, job)

    return _only(once("by-text", fill))


@pytest.fixture(params=["framed", "by_text"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of either run."""
    return Path(shutil.copytree(request.getfixturevalue(request.param), tmp_path / "run"))


@contextmanager
def lines_of(path: Path) -> Iterator[list[Any]]:
    """The JSON lines of a file, to be changed; the run is sealed again, as a forger does."""
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    yield lines
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
    seal.seal(path.parents[1] if path.parent.name == "raw" else path.parent, {})


def texts(folder: Path) -> list[str]:
    return [str(finding) for finding in verify(folder).findings]


def test_a_real_run_agrees_with_its_raw_bytes_and_with_the_data_set(
    folder: Path, stand_in: Material
) -> None:
    report = verify(folder, stand_in.data.folder.parent)
    assert report.findings == ()
    assert [made.measure for made in report.measures][:4] == [
        "accuracy", "single_stream", "throughput", "memory",
    ]  # fmt: skip
    assert report.answers > 24 + 5 * 4
    line = json.loads((folder / "record.jsonl").read_text().splitlines()[0])
    assert report.measures[0].metrics == line["metrics"]


@pytest.mark.long
def test_healed_faults_of_the_wire_confuse_nothing(
    live: Dut, kws01: Task, stand_in: Material, stand_in_firmware: Firmware, tmp_path: Path
) -> None:
    job = job_of(kws01, stand_in, stand_in_firmware, live, "serial")
    faults = "seed=3,every=1500,kinds=drop+flip+duplicate"
    folder = recorded.measure(tmp_path, job, ["top1"], faults=faults)
    line = json.loads((folder / "record.jsonl").read_text())
    assert sum(line["details"]["healed"].values()) > 2
    assert verify(folder, stand_in.data.folder.parent).findings == ()


def test_any_changed_byte_is_named_with_its_file_and_line(folder: Path) -> None:
    random = Random(7)  # noqa: S311 - must be repeatable
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    for _ in range(24):
        path = random.choice(paths)
        whole = path.read_bytes()
        place = random.randrange(len(whole))
        changed = bytearray(whole)
        changed[place] ^= 1 << random.randrange(7)
        path.write_bytes(changed)
        name, line = path.relative_to(folder).as_posix(), whole[:place].count(b"\n") + 1
        try:
            found = verify(folder).findings
        except ConfigError as error:
            assert name == "run.json", "without it nothing can be checked"
            assert "run.json" in str(error)  # noqa: PT017
        else:
            lines = [finding.line for finding in found if finding.file == name]
            assert lines, f"{name}, line {line}: not named in {found}"
            of_lines = path.suffix in (".jsonl", ".log")
            assert not of_lines or line in lines, f"{name}, line {line}: {found}"
        path.write_bytes(whole)


def own(lines: list[Any]) -> list[int]:
    """The places of a measure's own rows, without those that prove them."""
    return [place for place, line in enumerate(lines) if "role" not in line]


def drop(lines: list[Any], number: int) -> None:
    del lines[own(lines)[number]]


def double(lines: list[Any], number: int) -> None:
    place = own(lines)[number]
    lines.insert(place, lines[place])


def swap(lines: list[Any], number: int) -> None:
    first, second = own(lines)[number : number + 2]
    lines[first], lines[second] = lines[second], lines[first]


def nth(lines: list[Any], number: int) -> dict[str, Any]:
    found: dict[str, Any] = lines[own(lines)[number]]
    return found


FORGERIES: list[tuple[str, Callable[[list[Any]], None], str]] = [
    ("accuracy", lambda rows: drop(rows, 7), "serial.log|rtt.log.*answer.*no row has"),
    ("accuracy", lambda rows: drop(rows, -1), "has 23 rows of 24 samples"),
    ("accuracy", lambda rows: double(rows, 7), "accuracy.jsonl, line .*: .* another row"),
    ("accuracy", lambda rows: swap(rows, 7), "accuracy.jsonl, line .*: .* out of order"),
    (
        "accuracy",
        lambda rows: nth(rows, 3)["scores"][0].reverse(),
        "accuracy.jsonl, line .*: says scores that are not the device's",
    ),
    (
        "accuracy",
        lambda rows: nth(rows, 3).update(label=(nth(rows, 3)["label"] + 1) % 12),
        "record.jsonl, line 1: says top1",
    ),
    (
        "accuracy",
        lambda rows: nth(rows, 3).update(sample=nth(rows, 4)["sample"]),
        "was sent with other bytes|samples are there twice",
    ),
    ("single_stream", lambda rows: drop(rows, -2), "answer .* no row has"),
    (
        "single_stream",
        lambda rows: nth(rows, 0).update(times=[time - 1 for time in nth(rows, 0)["times"]]),
        "single_stream.jsonl, line .*: says (times that are not|a time that is not)",
    ),
    (
        "single_stream",
        lambda rows: nth(rows, 1).update(scores=nth(rows, 1)["scores"][::-1]),
        "single_stream.jsonl, line .*: says scores that are not the device's",
    ),
    (
        "throughput",
        lambda rows: nth(rows, 0).update(count=3),
        r"throughput.jsonl, line .*: says \d inferences, the device was asked for \d",
    ),
    (
        "throughput",
        lambda rows: nth(rows, 0).update(end_us=nth(rows, 0)["end_us"] - 1000),
        "throughput.jsonl, line .*: says the end",
    ),
    (
        "throughput",
        lambda rows: nth(rows, 0).update(scores=nth(rows, 0)["scores"][::-1]),
        "throughput.jsonl, line .*: says scores that are not the device's",
    ),
    (
        "accuracy",
        lambda rows: rows.pop([row.get("role") for row in rows].index("canary")),
        "answer .* no row has|its checks are not those of its rows",
    ),
    ("memory", lambda rows: nth(rows, 0).update(text=1), "sizes that are not the image's"),
]  # fmt: skip


@pytest.mark.parametrize(("measure", "forge", "text"), FORGERIES)
def test_a_forged_row_is_named_though_the_run_was_sealed_anew(
    folder: Path, measure: str, forge: Callable[[list[Any]], None], text: str
) -> None:
    with lines_of(folder / "raw" / f"kws01-{measure}.jsonl") as rows:
        forge(rows)
    found = texts(folder)
    assert not any(finding.startswith("seal.json") for finding in found)
    assert re.search(text, "\n".join(found)), found


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"metrics": {"top1": 1.0}}, "line 1: says top1 = 1, its rows give 0."),
        ({"metrics": {}}, "line 1: says top1 = none"),
        ({"samples": 25}, "line 1: says 25 samples, its rows give 24"),
        ({"verdict": "pass"}, "line 1: says 'pass', its figures and limits give 'not judged'"),
        ({"limits": {}}, "line 1: its limits are not those of run.json"),
        ({"firmware_sha256": "0" * 64}, "line 1: says firmware_sha256 000"),
        ({"run": "another"}, "line 1: says run another"),
        ({"task": "vww01"}, "line 1: is of vww01, which run.json does not have"),
        ({"details": {}}, "line 1: key 'details.inferences': Field required"),
        (
            {"details": {"inferences": 1, "inferences_of_the_full_set": 24}},
            "line 1: its inferences are not those of its rows",
        ),
        (
            {"details": {"inferences": 1, "inferences_of_the_full_set": 24, "recovery": [{}]}},
            "line 1: what it says of its recovery can't be understood",
        ),
        ({"station": "unit2"}, "line 1: says station unit2, run.json says"),
        ({"error": "it broke"}, "line 1: has figures or a verdict as well as an error"),
        ({"schema": 1}, "line 1: has the schema 1, this tinyhil reads 4"),
        ({"metrics": {"top1": "1"}}, "line 1: key 'metrics.top1"),
    ],
)
def test_a_forged_line_of_the_record_is_named(
    folder: Path, changes: dict[str, Any], text: str
) -> None:
    with lines_of(folder / "record.jsonl") as lines:
        lines[0].update(changes)
    found = texts(folder)
    assert any(f"record.jsonl, {text}" in finding for finding in found), found


def test_other_bytes_to_the_device_are_named(folder: Path) -> None:
    """A sample that was changed where it was sent: by text it is another, a frame has a CRC."""
    for path in sorted((folder / "raw").glob("*.log")):
        lines = path.read_text().splitlines(keepends=True)
        # The last of them: the first ones only show how a foreign firmware writes.
        sent = [number for number, line in enumerate(lines) if " > " in line]
        longest = max(reversed(sent), key=lambda number: len(lines[number]))
        place = len(lines[longest]) // 2
        other = "1" if lines[longest][place] != "1" else "2"
        lines[longest] = lines[longest][:place] + other + lines[longest][place + 1 :]
        path.write_text("".join(lines))
    seal.seal(folder, {})
    assert any("kws01-" in finding for finding in texts(folder))


@contextmanager
def log_of(folder: Path) -> Iterator[list[str]]:
    """The lines of a run's serial log, to be changed; the run is sealed again."""
    path = folder / "raw" / "kws01-serial.log"
    lines = path.read_text().splitlines()
    yield lines
    path.write_text("".join(f"{line}\n" for line in lines))
    seal.seal(folder, {})


READY = b"\r\nm-ready\r\n"


def told(text: str) -> str:
    """A transfer from the device, late in a run."""
    return f"09999.000000 < {text.encode() + READY!r}"


def test_a_boot_that_no_line_of_the_record_explains_is_named(by_text: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(by_text, tmp_path / "run"))
    assert not [text for text in texts(folder) if "restarts here" in text]
    with lines_of(folder / "record.jsonl") as lines:
        healed = [line["details"].pop("restarts", 0) for line in lines]
    assert sum(healed) == 1, "the device was made to restart once"
    (found,) = [text for text in texts(folder) if "restarts here" in text]
    assert "no line of the record says so" in found


def test_a_firmware_that_is_another_one_by_the_end_is_named(by_text: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(by_text, tmp_path / "run"))
    with log_of(folder) as lines:
        for _ in range(2):  # Once could be a damaged digit: text has no checksum.
            lines += ["09999.000000 > b'name%'", told("m-name-dut-[somebody]")]
    assert [text for text in texts(folder) if "another vendor than before: somebody" in text]


def test_a_part_that_is_missing_in_the_raw_log_is_named(by_text: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(by_text, tmp_path / "run"))
    with log_of(folder) as lines:
        lines += ["09999.000000 > b'name%'", "09999.000000 > b'profile%'"]
    assert [text for text in texts(folder) if "'name' has no answer" in text]


def test_a_changed_sample_that_was_chosen_is_named(folder: Path, stand_in: Material) -> None:
    """With another seed in its heading, as if somebody had known what to draw."""
    for measure in ("accuracy", "throughput"):
        with lines_of(folder / "raw" / f"kws01-{measure}.jsonl") as rows:
            rows[0]["seed"] += 1
    found = "\n".join(map(str, verify(folder, stand_in.data.folder.parent).findings))
    for measure in ("accuracy", "throughput"):
        text = rf"kws01-{measure}.jsonl, line \d+: is not the changed sample that the run's seed"
        assert re.search(text, found), found


def test_other_data_is_named(folder: Path, stand_in: Material, tmp_path: Path) -> None:
    with lines_of(folder / "raw" / "kws01-throughput.jsonl") as rows:
        for place in own(rows):
            rows[place]["sample"] = "other.bin"
        first = own(rows)[0] + 1
    found = verify(folder, stand_in.data.folder.parent).findings
    text = "other.bin was not sent as the data set has it"
    assert Finding("raw/kws01-throughput.jsonl", first, text) in found
    with pytest.raises(ConfigError, match="does not hold the stand-in set"):
        verify(folder, tmp_path)


@pytest.mark.parametrize(
    ("break_it", "text"),
    [
        (lambda run: (run / "run.json").unlink(), "run.json: cannot be read: No such file"),
        (lambda run: (run / "note").symlink_to("/etc/passwd"), "note: a symbolic link"),
        (lambda run: (run / "raw" / "more").mkdir(), "raw/more: not a regular file"),
        (shutil.rmtree, "cannot be read: No such file"),
        (
            lambda run: (run / "run.json").write_text('{"schema": 1}'),
            "run.json: has the schema 1, this tinyhil reads 4",
        ),
        (lambda run: (run / "run.json").write_text("[" * 100_000), "run.json: .*nested|no JSON"),
        (lambda run: grow(run / "raw" / "kws01-x.log", 17 << 30), "bytes long: a run"),
        (lambda run: grow(run / "run.json", 1 << 27), "run.json: longer than"),
    ],
)  # fmt: skip
def test_what_is_no_run_is_refused_by_name(
    by_text: Path, tmp_path: Path, break_it: Callable[[Path], object], text: str
) -> None:
    folder = Path(shutil.copytree(by_text, tmp_path / "run"))
    break_it(folder)
    with pytest.raises(ConfigError, match=text):
        verify(folder)


def grow(path: Path, size: int) -> None:
    """Make a file long, without using room for it."""
    with path.open("ab") as file:
        file.truncate(size)


def test_an_endless_line_is_named(by_text: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(by_text, tmp_path / "run"))
    grow(folder / "raw" / "kws01-serial.log", 1 << 27)
    assert any("serial.log" in text and "longer than" in text for text in texts(folder))


def test_a_killed_run_is_said_to_be_one(framed: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(framed, tmp_path / "run"))
    (folder / "seal.json").unlink()
    (folder / "record.jsonl").write_bytes((folder / "record.jsonl").read_bytes()[:-30])
    found = texts(folder)
    assert "seal.json: is missing: the run was killed, or is not over yet" in found[0]
    assert any("record.jsonl, line 5: is torn" in text for text in found)


def test_no_folder_however_odd_ends_in_anything_but_findings_or_an_error(folder: Path) -> None:
    random = Random(11)  # noqa: S311 - must be repeatable
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    originals = {path: path.read_bytes() for path in paths}
    for _ in range(24):
        path = random.choice(paths)
        path.write_bytes(mutated(originals[path], random))
        if random.random() < 0.7 and path.name != "run.json":
            with suppress(ConfigError):
                seal.seal(folder, {})
        with suppress(ConfigError):
            verify(folder)
        for each, whole in originals.items():
            each.write_bytes(whole)


def mutated(whole: bytes, random: Random) -> bytes:
    """The same bytes with some of them changed, lost, doubled or put elsewhere."""
    for _ in range(random.randrange(1, 6)):
        first, second = sorted(random.randrange(len(whole) + 1) for _ in "12")
        second = min(second, first + random.choice((1, 8, 400)))
        part = whole[first:second]
        new = random.choice(
            (b"", part * 2, part[::-1], bytes(len(part)), b"9" * len(part), b"-1", b"null", b"[[]]")
        )
        whole = whole[:first] + new + whole[second:]
    return whole


def test_the_command_prints_a_table_and_names_disagreements(by_text: Path, tmp_path: Path) -> None:
    assert run_command(by_text) == (0, "what was looked at agrees")
    folder = Path(shutil.copytree(by_text, tmp_path / "run"))
    with lines_of(folder / "record.jsonl") as lines:
        lines[1]["metrics"]["latency_p90_s"] = 0.01
    assert run_command(folder) == (1, "1 disagreements")


def run_command(folder: Path) -> tuple[int, str]:
    """Exit status of ``tinyhil verify``, and how it ends."""
    parser, output = argparse.ArgumentParser(), StringIO()
    command.add_arguments(parser)
    options = parser.parse_args([str(folder)])
    status = options.run(options, Console(file=output, width=120))
    return status, output.getvalue().strip().splitlines()[-1].split("; ")[1]
