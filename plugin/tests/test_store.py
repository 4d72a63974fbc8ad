"""The store of runs: every reader of a damaged record reports the same error, and nothing else."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tinyhil.catalog.measure import MeasureName
from tinyhil.cli import main as cli
from tinyhil.ground.errors import ConfigError
from tinyhil.publish.report import history
from tinyhil.record import Configuration
from tinyhil.record.resume import resume
from tinyhil.record.schema import SingleStreamRow
from tinyhil.record.store import find_runs, read_run

from .gate_runs import Content, write
from .submission_runs import system_file

ALTERED = "the file was altered, or another version of tinyhil wrote it; measure again"
OTHER = "use the tinyhil that made the run, or measure again"
DEEP = b'{"a":' * 50_000 + b"1" + b"}" * 50_000 + b"\n"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole run."""
    return write(tmp_path_factory.mktemp("store"), Content())


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    """A copy of it, to be damaged."""
    return Path(shutil.copytree(made, tmp_path / "run"))


def change(folder: Path, damage: Callable[[bytes], bytes], name: str = "record.jsonl") -> None:
    """Change the second line of a file."""
    lines = (folder / name).read_bytes().splitlines(keepends=True)
    lines[1] = damage(lines[1])
    (folder / name).write_bytes(b"".join(lines))


def with_value(key: str, value: object) -> Callable[[bytes], bytes]:
    """Give a key of the line another value; a dot leads into an object."""

    def damage(line: bytes) -> bytes:
        values = json.loads(line)
        *above, last = key.split(".")
        inner = values
        for name in above:
            inner = inner[name]
        inner[last] = value
        return json.dumps(values).encode() + b"\n"

    return damage


def replaced(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    def damage(line: bytes) -> bytes:
        assert old in line
        return line.replace(old, new, 1)

    return damage


def nested(levels: int) -> object:
    value: object = 1
    for _ in range(levels):
        value = [value]
    return value


DAMAGES: dict[str, tuple[Callable[[bytes], bytes], str, str]] = {
    "a newer schema": (
        with_value("schema", 99), "has the schema 99, this tinyhil reads 4", OTHER),
    "an older schema": (
        with_value("schema", 2), "has the schema 2, this tinyhil reads 4", OTHER),
    "no schema": (
        replaced(b'"schema": 4, ', b""), "has the schema None, this tinyhil reads 4", OTHER),
    "a wrong type": (
        with_value("samples", "many"), "key 'samples': Input should be a valid integer", ALTERED),
    "a wrong metric": (
        with_value("metrics.speed", 1), "key 'metrics.speed': Input should be 'lat", ALTERED),
    "a missing metric": (
        with_value("metrics", {}), "key 'metrics.latency_p50_s': Field required", ALTERED),
    "a wrong detail": (
        with_value("details.device_s", None),
        "key 'details.device_s': Input should be a valid number", ALTERED),
    "an unknown measure": (
        with_value("measure", "speed"), "key 'measure': Input should be 'accuracy'", ALTERED),
    "an unknown key": (
        with_value("speed", 1), "key 'speed': Extra inputs are not permitted", ALTERED),
    "no station": (replaced(b'"station"', b'"desk"'), "key 'station': Field required", ALTERED),
    "a time of no zone": (
        with_value("started", "2026-01-02T03:04:05"),
        "key 'started': Input should have timezone", ALTERED),
    "a key twice": (replaced(b"{", b'{"schema": 3, '), "has a key twice", ALTERED),
    "NaN": (
        replaced(b'"latency_p50_s": ', b'"latency_p50_s": NaN, "x": '),
        "has the number NaN", ALTERED),
    "infinity": (with_value("details.more", float("inf")), "has the number Infinity", ALTERED),
    "a number that is too large": (
        replaced(b'"details": {', b'"details": {"more": 1e999, '), "has the number 1e999", ALTERED),
    "a number of too many digits": (
        replaced(b'"samples": ', b'"samples": 1' + b"0" * 5000), "Exceeds the limit", ALTERED),
    "a torn line in the middle": (
        lambda line: line[: len(line) // 2] + b"\n", "is not JSON: ", ALTERED),
    "NUL bytes": (lambda line: bytes(len(line)) + b"\n", "is not JSON: Expecting value", ALTERED),
    "not UTF-8": (replaced(b"kws01", b"\xff\xfe"), "'utf-8' codec can't decode byte 0xff", ALTERED),
    "a list": (lambda _: b"[]\n", "is not a JSON object", ALTERED),
    "an empty line": (lambda _: b"\n", "is not JSON: Expecting value", ALTERED),
    "50,000 levels": (lambda _: DEEP, "is nested too deep", ALTERED),
    "20 levels": (with_value("details.more", nested(20)), "is nested too deep", ALTERED),
}  # fmt: skip


def _command(*arguments: object) -> Callable[[pytest.CaptureFixture[str]], str]:
    def said(capsys: pytest.CaptureFixture[str]) -> str:
        capsys.readouterr()
        assert cli.main([str(argument) for argument in arguments]) != 0
        captured = capsys.readouterr()
        return captured.out + captured.err

    return said


def gate(folder: Path, made: Path, capsys: pytest.CaptureFixture[str]) -> str:
    return _command("gate", made, folder)(capsys)


def save(folder: Path, made: Path, capsys: pytest.CaptureFixture[str]) -> str:
    return _command("gate", "--save", folder.parent / "x.json", made, folder)(capsys)


def results(folder: Path, _: Path, capsys: pytest.CaptureFixture[str]) -> str:
    return _command("results", folder)(capsys)


def results_of_many(folder: Path, _: Path, capsys: pytest.CaptureFixture[str]) -> str:
    return _command("results", folder.parent)(capsys)


def verify(folder: Path, _: Path, capsys: pytest.CaptureFixture[str]) -> str:
    return _command("verify", folder)(capsys)


def submission(folder: Path, _: Path, capsys: pytest.CaptureFixture[str]) -> str:
    system = system_file(folder.parent)
    options = ("--system", system, "--division", "open", "--category", "rdi")
    return _command("submission", "export", folder, *options, "--out", folder.parent / "o")(capsys)


def resumed(folder: Path, _: Path, __: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(ConfigError) as error:
        resume(folder, Configuration(station="mps2-an386", board="mps2-an386"))
    return str(error.value)


READERS = (gate, save, results, results_of_many, verify, submission, resumed)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_line_is_told_in_the_same_words_by_all_who_read_records(
    made: Path, folder: Path, damage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    change(folder, DAMAGES[damage][0])
    _, text, hint = DAMAGES[damage]
    words = []
    for reader in READERS:
        said = reader(folder, made, capsys)
        assert "Traceback" not in said
        place = said.index("record.jsonl, line 2: ")
        words.append("\n".join(said[place:].splitlines()[:2]))
    assert words[0].startswith(f"record.jsonl, line 2: {text}")
    assert words[0].endswith(f"\n  next step: {hint}")
    assert set(words) == {words[0]}
    assert history.series(folder, "kws01") is None


@pytest.mark.parametrize(
    ("break_it", "text"),
    [
        (lambda run: _made_a_folder(run / "record.jsonl"), "record.jsonl: not a regular file"),
        (lambda run: _made_a_link(run / "record.jsonl"), "record.jsonl: a symbolic link"),
        (lambda run: (run / "run.json").unlink(), "run.json: cannot be read: No such file"),
        (lambda run: (run / "run.json").write_text("{}"), "run.json: has the schema None"),
    ],
)
def test_a_run_that_cannot_be_read_is_told_in_the_same_words(
    made: Path,
    folder: Path,
    break_it: Callable[[Path], object],
    text: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    break_it(folder)
    readers = [gate, save, verify, resumed]
    if (folder / "record.jsonl").is_file():
        readers += [results, results_of_many, submission]
    said = [reader(folder, made, capsys) for reader in readers]
    words = {"\n".join(one[one.index(f"{folder}/{text}") :].splitlines()[:2]) for one in said}
    assert len(words) == 1, words
    assert "\n  next step: " in words.pop()


def _made_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _made_a_link(path: Path) -> None:
    path.unlink()
    path.symlink_to("/etc/passwd")


def test_a_damaged_row_is_told_in_the_same_words(
    made: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "raw/kws01-single_stream.jsonl"
    change(folder, replaced(b'"times": [', b'"times": [NaN, '), name)
    expected = f"single_stream.jsonl, line 2: has the number NaN\n  next step: {ALTERED}"
    for reader in (gate, verify, resumed):
        assert expected in reader(folder, made, capsys)


def test_a_torn_last_line_is_left_out_and_said_and_the_rest_is_read(
    made: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record, raw = folder / "record.jsonl", folder / "raw" / "kws01-single_stream.jsonl"
    for path in (record, raw):
        path.write_bytes(path.read_bytes()[:-20])
    run = read_run(folder)
    assert run.torn
    assert [line.measure for line in run.lines] == list(read_names(made))[:-1]
    rows = run.rows("kws01", MeasureName.SINGLE_STREAM, SingleStreamRow)
    assert len(rows) == raw.read_bytes().count(b"\n")
    said = f"{folder}: the record's torn last line is left out"
    (folder / "raw" / raw.name).write_bytes((made / "raw" / raw.name).read_bytes())
    assert said in gate(folder, made, capsys)
    assert cli.main(["results", str(folder)]) == 0
    assert said in capsys.readouterr().err
    assert "record.jsonl, line 4: is torn" in verify(folder, made, capsys)


def read_names(folder: Path) -> list[MeasureName]:
    return [line.measure for line in read_run(folder).lines]


def test_results_show_the_runs_that_can_be_read_beside_one_that_cannot(
    made: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(made, folder.parent / "whole")
    change(folder, with_value("schema", 99))
    assert cli.main(["results", str(folder.parent), "--format", "csv"]) == 2
    captured = capsys.readouterr()
    assert len(captured.out.splitlines()) == 2
    assert f"left out: {folder}/record.jsonl, line 2: has the schema 99" in captured.err


def test_runs_are_found_in_a_folder_of_runs_and_by_themselves(made: Path) -> None:
    assert find_runs(made) == find_runs(made.parent) == (made,)
    assert find_runs(made / "raw") == ()
