"""``tinyhil new firmware``: each engine's template, up to its answers on the emulated board."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from itertools import cycle
from pathlib import Path
from shutil import copytree, rmtree
from zipfile import ZipFile

import numpy as np
import pytest
from numpy.typing import NDArray

from tinyhil.catalog.bench import stations
from tinyhil.catalog.board import Board, load_boards
from tinyhil.catalog.task import Window, load_tasks
from tinyhil.cli import main as cli
from tinyhil.cli.bench.probe import RULES
from tinyhil.data.material import Material, stand_in_model
from tinyhil.device.dut import Dut, attached
from tinyhil.device.links.serial import open_link
from tinyhil.device.queries.opening import asking
from tinyhil.device.session import Session
from tinyhil.flash import flash
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.paths import BOARDS, FIRMWARE, ROOT, SUITES
from tinyhil.image import project as project_module
from tinyhil.image.build import port_of, require_tool
from tinyhil.image.compiler import Target, compile_model
from tinyhil.image.elf import Image, read_image

from .terminal import await_boot

_SAMPLES = 5
_TFLM = Path(__file__).parent / "tflm_stand_in"


def built(project: Path, *options: str) -> Image:
    """Build a project as its README says."""
    cmake, folder = require_tool("cmake"), project / "build"
    ninja = f"-DCMAKE_MAKE_PROGRAM={require_tool('ninja')}"
    configure = [cmake, "-G", "Ninja", ninja, "-S", str(project), "-B", str(folder), *options]
    for command in (configure, [cmake, "--build", str(folder)]):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    return read_image(folder / "firmware.elf")


def new(folder: Path, *options: str) -> Path:
    assert cli.main(["new", "firmware", str(folder), *options]) == 0
    return folder


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout, unpacked as an installer does."""
    if not (ROOT / "pyproject.toml").is_file() or find_spec("hatchling") is None:
        pytest.skip("NOT TESTED: a wheel is built in a checkout alone, and with hatchling")
    made, site = tmp_path_factory.mktemp("wheel"), tmp_path_factory.mktemp("site")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(made)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = made.glob("*.whl")
    with ZipFile(wheel) as packed:
        packed.extractall(site)
    return site


@pytest.fixture(scope="module")
def project(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The plain C template, written by an installed tinyhil into an empty folder."""
    empty = tmp_path_factory.mktemp("empty")
    subprocess.run(
        [sys.executable, "-m", "tinyhil.cli.main", "new", "firmware", "my-kws"],
        cwd=empty,
        env={**os.environ, "PYTHONPATH": str(installed)},
        check=True,
    )
    files = [path for path in (empty / "my-kws").rglob("*") if path.is_file()]
    assert not [path for path in files if str(ROOT).encode() in path.read_bytes()]
    return empty / "my-kws"


@pytest.fixture(scope="module")
def plain_c(project: Path) -> Image:
    image = built(project)
    return read_image(image.path.rename(image.path.with_name("c.elf")))


@pytest.fixture(scope="module")
def sdk(plain_c: Image, project: Path, tmp_path_factory: pytest.TempPathFactory) -> Image:
    """The plain C project again, with the other template's engine: only that is built."""
    del plain_c
    other = new(tmp_path_factory.mktemp("sdk") / "my-sdk", "--engine", "sdk")
    rmtree(project / "engine")
    copytree(other / "engine", project / "engine")
    return built(project)


@pytest.fixture(scope="module")
def tflm(tmp_path_factory: pytest.TempPathFactory) -> Image:
    """The template for TensorFlow Lite Micro, with the stand-in in the place of that."""
    folder = tmp_path_factory.mktemp("tflm")
    stand_in = folder / "tflite-micro"
    copytree(_TFLM, stand_in)
    archives = stand_in / "gen" / "any" / "lib"
    archives.mkdir(parents=True)
    # The C++ library is not needed by the stand-in; empty ones will do where it is absent.
    for name in ("tensorflow-microlite", "stdc++", "stdc++_nano", "supc++", "supc++_nano"):
        subprocess.run(["arm-none-eabi-ar", "rc", archives / f"lib{name}.a"], check=True)
    project = new(folder / "my-tflm", "--engine", "tflm")
    return built(project, f"-DTFLM={stand_in}", f"-DCMAKE_EXE_LINKER_FLAGS=-L{archives}")


@pytest.fixture(scope="module")
def dut(mps2: Board) -> Iterator[Dut]:
    with attached(stations({mps2.name: mps2}, None)[mps2.name]) as dut:
        yield dut


@pytest.fixture
def session_with(dut: Dut) -> Iterator[Callable[[Image], Session]]:
    """Flashes an image and opens a session with it."""
    opened = []

    def open_with(image: Image) -> Session:
        flash(image, dut.board, dut.probe_uid, Deadline.after(60))
        await_boot(dut)
        opened.append(open_link(dut))
        session = Session(opened[-1])
        session.synchronize(Deadline.after(60))
        return session

    yield open_with
    for link in opened:
        link.close()


def expected(output: NDArray[np.int8]) -> tuple[float, ...]:
    """The scores of a softmax, in thousandths."""
    return tuple(round((int(value) + 128) / 256 * 1000) / 1000 for value in output)


def oracle() -> NDArray[np.int8]:
    """Outputs of the reference for the stand-in samples."""
    return np.asarray(np.load(SUITES / "standin" / "kws01_oracle.npz")["outputs"][:_SAMPLES])


def ask_both_ways(
    session: Session, dut: Dut, image: Image, samples: list[bytes], name: str
) -> tuple[list[tuple[float, ...]], list[bytes], int]:
    """Scores, which text and frames agree on; raw outputs; and ticks of an inference."""
    info = session.identify(Deadline.after(60))
    assert (info.vendor, info.task) == (name, "kws01")
    assert info.extension is not None
    assert info.extension.build_id == image.build_id
    texts = []
    for sample in samples:
        session.load(sample, Deadline.after(60))
        texts.append(session.infer(1, 0, Deadline.after(60)).scores)
    stack = session.stack(Deadline.after(60))
    assert 0 < stack.used_bytes < stack.reserved_bytes
    with asking(session, info, dut, image, "serial") as queries:
        answers = list(queries.each([Window(sample, 0) for sample in samples], output=True))
        queries.load(samples[0])
        timed = queries.infer(20, 2, expected_s=None, laps=True)
    assert [answer.scores for answer in answers] == texts
    assert len(timed.laps) == 20
    return texts, [answer.output for answer in answers], timed.laps[-1]


@pytest.mark.long
def test_plain_c_answers_as_the_reference_and_takes_its_time(
    plain_c: Image,
    dut: Dut,
    session_with: Callable[[Image], Session],
    stand_in: Material,
) -> None:
    samples = [sample.data for sample in stand_in.data.samples[:_SAMPLES]]
    scores, outputs, ticks = ask_both_ways(session_with(plain_c), dut, plain_c, samples, "my-kws")
    assert outputs == [output.tobytes() for output in oracle()]
    assert scores == [expected(output) for output in oracle()]
    compiled = compile_model(stand_in.model, Target(dut.board.toolchain.kernels))
    predicted = sum(operator.instructions or 0 for operator in compiled.operators)
    assert ticks * 40 == pytest.approx(predicted * 32, rel=0.05), "nanoseconds: as our own firmware"
    assert plain_c.symbol("hil_arena").size > 0
    assert plain_c.has_harness


def test_a_generated_network_answers_as_the_reference(
    sdk: Image, dut: Dut, session_with: Callable[[Image], Session], stand_in: Material
) -> None:
    samples = [sample.data for sample in stand_in.data.samples[:_SAMPLES]]
    _, outputs, _ = ask_both_ways(session_with(sdk), dut, sdk, samples, "my-kws")
    assert outputs == [output.tobytes() for output in oracle()]


def test_the_official_functions_answer_in_text_and_in_frames(
    tflm: Image, dut: Dut, session_with: Callable[[Image], Session], stand_in: Material
) -> None:
    """Not TensorFlow Lite Micro itself: its stand-in, which answers the sample's first bytes."""
    samples = [sample.data for sample in stand_in.data.samples[:_SAMPLES]]
    scores, outputs, _ = ask_both_ways(session_with(tflm), dut, tflm, samples, "my-tflm")
    assert scores == [expected(np.frombuffer(sample[:12], np.int8)) for sample in samples]
    thousandths = [tuple(np.frombuffer(output, "<i4") / 1000) for output in outputs]
    assert thousandths == scores


REPOSITORY = {
    "pyproject.toml": '[tool.tinyhil]\nboard = "ours"\nboards = "boards"\nfirmware = "kws.elf"\n',
    "test_board.py": """
import pytest
import tinyhil

@pytest.mark.memory
def test_it_fits(measurement):
    print(tinyhil.__file__)
    verdict = measurement.judge("flash_bytes")
    assert verdict, str(verdict)
    assert verdict.limit.source == "ours"
""",
}


@pytest.mark.long
def test_a_repository_of_ones_own_is_judged_by_an_installed_tinyhil(
    installed: Path, plain_c: Image, tmp_path: Path
) -> None:
    """A board type and an image of the user's own, outside of any checkout, and one line."""
    for name, text in REPOSITORY.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "kws.elf").write_bytes(plain_c.path.read_bytes())
    (tmp_path / "boards").mkdir()
    facts, _ = (BOARDS / "mps2-an386.toml").read_text(encoding="utf-8").split("[limits.", 1)
    limits = '[limits.kws01]\nflash_bytes = {max = 200_000, source = "ours"}\n'
    own = facts.replace("mps2-an386", "ours", 1).replace('name = "mps2-an386"', 'name = "ours"')
    (tmp_path / "boards" / "ours.toml").write_text(own + limits, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-rP", "-k", "kws01", "-p", "no:allure_pytest"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert str(installed / "tinyhil" / "__init__.py") in done.stdout
    assert "1 passed" in done.stdout
    assert (installed / "tinyhil" / "cli" / "bench" / RULES.name).is_file()
    (line,) = (tmp_path / "reports" / "runs").glob("*_ours/record.jsonl")
    told = json.loads(line.read_text(encoding="utf-8"))
    assert (told["board"], told["firmware_sha256"]) == ("ours", plain_c.sha256)
    assert told["verdict"] == "pass"


EMULATED = [name for name, board in sorted(load_boards().items()) if board.emulated]


@pytest.mark.parametrize(
    ("board", "task"), list(zip(EMULATED, cycle(sorted(load_tasks())), strict=False))
)
def test_a_project_is_written_for_each_board_and_task(
    board: str, task: str, tmp_path: Path
) -> None:
    project = new(tmp_path / "one", "--board", board, "--task", task, "--engine", "sdk")
    texts = [path.read_text(encoding="utf-8") for path in project.rglob("*") if path.is_file()]
    assert not [text for text in texts if "__BOARD__" in text or "__TASK__" in text]
    port = port_of(load_boards()[board])
    assert (project / "board" / port / "board.h").is_file()


def test_a_project_can_be_changed_though_tinyhil_is_read_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    firmware = copytree(FIRMWARE, tmp_path / "firmware")
    for path in (firmware, *firmware.rglob("*")):
        path.chmod(path.stat().st_mode & ~0o222)
    for name, place in (("FIRMWARE", "."), ("_TEMPLATES", "templates")):
        monkeypatch.setattr(project_module, name, firmware / place)
    monkeypatch.setattr(project_module, "_COMPILED", firmware / "engines" / "compiled")
    made = new(tmp_path / "my-kws")
    for path in (firmware, *firmware.rglob("*")):
        path.chmod(path.stat().st_mode | 0o200)
    assert not [path for path in (made, *made.rglob("*")) if not path.stat().st_mode & 0o200]


def test_an_empty_folder_becomes_a_project_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "my-kws"
    (folder / ".git").mkdir(parents=True)
    monkeypatch.chdir(folder)
    before = Path().stat().st_ino
    assert cli.main(["new", "firmware", ".", "--engine", "sdk"]) == 0
    assert Path().stat().st_ino == before, "a shell that is in it stays there"
    new(tmp_path / "other" / "my-kws", "--engine", "sdk")
    names = {path.name for path in (tmp_path / "other" / "my-kws").iterdir()}
    assert {path.name for path in Path().iterdir()} == names | {".git"}


def test_a_place_that_can_not_be_written_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert cli.main(["new", "firmware", str(tmp_path / "file" / "my-kws")]) == 2
    assert "next step:" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["my kws"], "'my kws' is no name for a firmware"),
        (["there"], "there is not empty: notes.txt"),
        (["new", "--board", "nucleo"], "no board 'nucleo'; known: b-l475e-iot01a"),
        (["new", "--task", "tts01"], "no task 'tts01'; known: ad01"),
        (["new", "--model", "there/none.tflite"], "none.tflite"),
        (["new", "--task", "ic01", "--model", "KWS"], "the task ic01 10 of 3072"),
    ],
)
def test_what_can_not_be_is_refused_and_nothing_is_left(
    arguments: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "notes.txt").touch()
    model = str(stand_in_model(load_tasks()["kws01"]))
    given = [model if argument == "KWS" else argument for argument in arguments]
    assert cli.main(["new", "firmware", *given]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert "next step:" in error
    assert [path.name for path in tmp_path.iterdir()] == ["there"]


def test_the_steps_that_come_next_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project = new(tmp_path / "my-kws")
    told = capsys.readouterr().out
    for step in (
        f"cmake -G Ninja -S {project} -B {project}/build",
        f"cmake --build {project}/build",
        f"--hil-board mps2-an386 -k kws01 --hil-firmware {project}/build/firmware.elf",
    ):
        assert step in told


def test_what_an_engine_needs_is_in_the_commands_that_are_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project = new(tmp_path / "my-tflm", "--engine", "tflm")
    for said in (capsys.readouterr().out, (project / "README.md").read_text()):
        assert re.search(r"cmake -G Ninja -S \S+ -B \S+ -DTFLM=FOLDER\n", said)
    assert "-DTFLM" not in (new(tmp_path / "my-c") / "README.md").read_text()
