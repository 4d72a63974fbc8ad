"""``make bench-models``: how rows of tensors are read, and what a refused model is told."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tinyhil.benchmarks import models
from tinyhil.device.inference import Inference
from tinyhil.ground.paths import SUITES
from tinyhil.image.compiler import TensorFacts, compile_model


def test_rows_are_the_bytes_of_their_tensors_in_order() -> None:
    vectors: dict[str, NDArray[np.generic]] = {
        "input_1": np.array([[7], [8]], np.uint8),
        "input_0": np.array([[1, 2], [3, 4]], np.int16),
        "output_0": np.zeros((2, 1), np.int8),
    }
    assert models.rows(vectors, "input_") == [b"\1\0\2\0\7", b"\3\0\4\0\x08"]


def test_text_is_compared_by_the_numbers_that_outputs_stand_for() -> None:
    ends = (TensorFacts((1, 2), 2, 0.5, 1, "int8"), TensorFacts((1,), 4, 1.0, 0, "float32"))
    compiled = replace(compile_model(SUITES / "standin" / "kws01.tflite"), outputs=ends)
    row = b"\x01\xff" + np.float32(2.25).tobytes()
    assert models.real(compiled, row) == [0.0, -1.0, 2.25]
    told = Inference(1, 0, 0, (0.0, -1.0, 2.25))
    assert models._board_verdict(compiled, [told], [[row]]) == "exact in thousandths"
    other = replace(told, scores=(0.0, -1.0, 2.251))
    assert models._board_verdict(compiled, [other], [[row]]) == "unequal"
    # Where the firmware tells its output, nothing but the same bytes is right.
    bytes_ = replace(told, output=row)
    assert models._board_verdict(compiled, [bytes_], [[row]]) == "exact"
    assert models._board_verdict(compiled, [bytes_], [[b"\0" * 6], [row]]) == "exact"
    assert models._board_verdict(compiled, [bytes_], [[b"\0" * 6]]) == "unequal"


def test_a_refused_model_is_told_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tinyhil.benchmarks._FIGURES", tmp_path / "figures")
    (tmp_path / "bad.tflite").write_bytes(b"no model")
    np.savez(tmp_path / "bad.npz", input_0=np.zeros((1, 1), np.int8))
    assert models.main([str(tmp_path)]) == 0
    assert "mps2-an386 bad: refused: " in capsys.readouterr().out
    (figure,) = json.loads((tmp_path / "figures" / "models.json").read_text())
    assert figure["there"].startswith("refused: ")
    assert str(tmp_path) not in figure["there"]


def test_a_comparison_of_nothing_does_not_pass(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        models.main([str(tmp_path)])
    assert "there is no such model" in capsys.readouterr().err
