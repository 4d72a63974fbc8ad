"""``tinyhil new board``: a board type that is valid as it is written, and a port that compiles."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from tinyhil.benchmarks import BUILD
from tinyhil.catalog.board import Board, FlashFacts, Memory, Toolchain, load_boards
from tinyhil.catalog.task import Task
from tinyhil.cli.main import main
from tinyhil.cli.new_board import _BOARD, _CORES, _NO_PORT
from tinyhil.data.material import stand_in_model
from tinyhil.ground.errors import ConfigError
from tinyhil.ground.paths import ROOT
from tinyhil.image.build import build
from tinyhil.image.project import write_project
from tinyhil.record.kept import facts_of_board


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("core", _CORES)
def test_it_is_valid_as_it_is_written_and_known_at_once(core: str) -> None:
    assert main(["new", "board", "ours-rev2", "--core", core]) == 0
    board = load_boards()["ours-rev2"]  # By the pyproject.toml that was written too.
    assert board.core == core
    assert board.toolchain.flags[0] == f"-mcpu={core}"
    assert board.port is None
    for kernels in board.toolchain.kernels:
        assert (ROOT / "firmware" / "kernels" / kernels).is_dir()


def test_every_key_is_explained_beside_it() -> None:
    lines = [*_BOARD.splitlines(), _NO_PORT]
    explained = {
        line.strip("# ").split(" = ")[0] for line in lines if " = " in line and "#" in line
    }
    for model in (Board, Memory, Toolchain, FlashFacts):
        names = {field.alias or name for name, field in model.model_fields.items()}
        tables = {"memory", "toolchain", "flash", "emulator", "limits"}
        of_few = {
            "variables",
            "constants",
            "input_buffer",
            "part",
        }  # Those boards' own files explain them.
        assert names - tables - of_few <= explained, model.__name__


def test_nothing_is_replaced_and_a_wrong_name_is_told(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'ours'\n")
    assert main(["new", "board", "ours", "--format", "json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["settings"] == 'boards = "boards"\n'
    assert tomllib.loads((tmp_path / "pyproject.toml").read_text()) == {"project": {"name": "ours"}}
    (tmp_path / "boards" / "ports" / "theirs").mkdir(parents=True)
    for arguments, text in (
        (["ours"], "ours.toml: is there already"),
        (["theirs", "--port"], "theirs: is there already"),
        (["Ours"], "'Ours' is no name for a board type"),
        (["mps2-an386"], "the name 'mps2-an386' is taken by a board that tinyhil brings"),
    ):
        assert main(["new", "board", *arguments]) == 2
        assert text in capsys.readouterr().err
    assert sorted(path.name for path in (tmp_path / "boards").iterdir()) == ["ours.toml", "ports"]


def test_its_port_compiles_as_it_is_and_goes_into_a_project(tmp_path: Path, kws01: Task) -> None:
    assert main(["new", "board", "ours-rev2", "--port", "--boards", "hil/boards"]) == 0
    folder = tmp_path / "hil" / "boards"
    board = load_boards(folder)["ours-rev2"]
    assert board.port == str(folder / "ports" / "ours-rev2")
    assert "TODO" in (folder / "ports" / "ours-rev2" / "port.c").read_text(encoding="utf-8")
    builds = BUILD / "firmware" / "new-board"  # where the next test run finds what did not change
    built = build(board, kws01, stand_in_model(kws01), builds)
    assert {"port_ticks", "hil_token"} <= built.image.symbols.keys()
    assert json.loads(facts_of_board(board))["port"] == "ours-rev2", "no path of this machine"
    write_project(tmp_path / "my-kws", "c", board, kws01, stand_in_model(kws01))
    made = tmp_path / "my-kws" / "board"
    assert (made / "ours-rev2" / "port.cmake").is_file()
    assert (made / "cortex-m" / "startup.c").is_file()
    assert str(tmp_path) not in (made / "board.cmake").read_text(encoding="utf-8")
    (folder / "ports" / "ours-rev2" / "port.cmake").unlink()
    with pytest.raises(ConfigError, match=r"its port .*ours-rev2 has no port\.cmake"):
        build(board, kws01, stand_in_model(kws01), builds)
