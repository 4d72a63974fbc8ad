"""The stand-in sets: pinned byte for byte, in the official layout, and honest to train on."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
import pytest
from numpy.typing import NDArray

from tinyhil.catalog.task import load_tasks
from tinyhil.data import standin
from tinyhil.data.material import digest
from tinyhil.data.standin import kws01
from tinyhil.ground.errors import ConfigError

ORACLES = Path(__file__).resolve().parents[2] / "suites" / "standin"

Set = tuple[NDArray[Any], NDArray[np.int64]]


@dataclass(frozen=True)
class Facts:
    """What is promised of a set."""

    arrays_sha256: str
    """Of the bytes of all samples and of the labels as little-endian int64."""
    folder_sha256: str
    """Of the folder that `write` makes, as `tinyhil.data.material.digest` sums it."""
    count: int
    shape: tuple[int, ...]
    dtype: str
    range: tuple[float, float]
    """Smallest and largest value of the training set."""
    class_counts: tuple[int, int]
    """Fewest and most samples of a class that are still called balanced."""
    file: str
    """Name of the first file."""
    line: str
    """What the label file says of it, behind the name."""
    score: float
    """Top-1 hits or AUC of the oracle's outputs."""


SETS = {
    "kws01": Facts(
        arrays_sha256="3c67afe25f560520c275b564ed925f387ce86d0087f4c7f08121cf857c3e3c61",
        folder_sha256="588eff74fb2831727e82262ce55506efe744217fc376d0f608552a10e93449c0",
        count=1000,
        shape=(49, 10),
        dtype="int8",
        range=(-128, 127),  # all of it, else the converter would pick another scale
        class_counts=(60, 110),
        file="kws01_000000_Unknown_11.bin",
        line="12,11",
        score=960,
    ),
    "ic01": Facts(
        arrays_sha256="55db687bcf747910332d588b6af380cd22a8553bbba08201874cef9d736f4a99",
        folder_sha256="99cf4d712e9ad1fa5389697b623365a2c52245253ed43b24082bda35d0119217",
        count=200,
        shape=(32, 32, 3),
        dtype="uint8",
        range=(0, 255),
        class_counts=(10, 30),
        file="ic01_000000_airplane_0.bin",
        line="10,0",
        score=185,
    ),
    "ad01": Facts(
        arrays_sha256="075a72070efcfc11d0bba0911e43079e8fa2b31883517e3fc240841ca5e810ba",
        folder_sha256="16a968d1efe967a574a0ca77fb72503c42252eb92f090fd016112c7c1d6c18ca",
        count=248,
        shape=(200, 128),
        dtype="float32",
        range=(-14002 / 256, 7966 / 256),
        class_counts=(100, 148),
        file="anomaly_000000.bin",
        line="2,1,2560,512",
        score=0.9022,
    ),
    "vww01": Facts(
        arrays_sha256="df5a1715f43b36c053c63dabc43934bcda09f5c6db0bf1512bb02145d0cec15d",
        folder_sha256="53e63d9eec6a1f0ffcd2d668d795f77f3bf5b3f6a2ea672af1ccafc77cc879e5",
        count=1000,
        shape=(96, 96, 3),
        dtype="uint8",
        range=(0, 255),
        class_counts=(450, 550),
        file="vww01_000000_1.bin",
        line="2,1",
        score=904,
    ),
}

# The pictures of visual wake words take long to draw.
every_set = pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.long] * (name == "vww01")) for name in SETS]
)


def generator(name: str) -> standin.Generator:
    """The module that makes a task's samples."""
    return cast(standin.Generator, import_module(f"tinyhil.data.standin.{name}"))


@cache
def generated(name: str, which: Literal["held out", "training"]) -> Set:
    """A task's held-out set, or the beginning of its training set; made once."""
    module = cast(Any, generator(name))
    if which == "held out":
        return cast(Set, module.generate(module.TEST_COUNT, module.TEST_SEED))
    return cast(Set, module.generate(400, module.TRAIN_SEED))


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Folders of the sets, each written once."""
    sets = tmp_path_factory.mktemp("sets")

    @cache
    def write(name: str) -> Path:
        module = cast(Any, generator(name))

        def generate(count: int, seed: int) -> Set:
            assert (count, seed) == (module.TEST_COUNT, module.TEST_SEED)
            return generated(name, "held out")

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(module, "generate", generate)
            standin.write(name, sets / name)
        return sets / name

    return write


def test_these_are_all_the_sets() -> None:
    assert standin.tasks() == tuple(sorted(SETS))


@every_set
def test_classes_are_those_of_the_task(name: str) -> None:
    assert load_tasks()[name].classes == generator(name).CLASSES


@pytest.mark.long
@every_set
def test_the_held_out_set_is_pinned(name: str) -> None:
    samples, labels = generated(name, "held out")
    found = hashlib.sha256(samples.tobytes() + labels.astype("<i8").tobytes())
    assert found.hexdigest() == SETS[name].arrays_sha256


@every_set
def test_shapes_types_and_range(name: str) -> None:
    facts = SETS[name]
    for which, count in (("held out", facts.count), ("training", 400)):
        samples, labels = generated(name, which)
        assert samples.shape == (count, *facts.shape)
        assert labels.shape == (count,)
        assert samples.dtype == np.dtype(facts.dtype).newbyteorder("<")
        assert labels.dtype == np.dtype(np.int64)
    assert (samples.min(), samples.max()) == facts.range


@every_set
def test_none_is_an_empty_set(name: str) -> None:
    samples, labels = generator(name).generate(0, 1)
    assert (samples.shape, labels.shape) == ((0, *SETS[name].shape), (0,))


@every_set
def test_a_shorter_set_is_the_beginning_of_a_longer_one(name: str) -> None:
    samples, labels = generator(name).generate(5, generator(name).TEST_SEED)
    more_samples, more_labels = generated(name, "held out")
    np.testing.assert_array_equal(samples, more_samples[:5])
    np.testing.assert_array_equal(labels, more_labels[:5])


@every_set
def test_classes_are_balanced(name: str) -> None:
    _, labels = generated(name, "held out")
    classes = generator(name).CLASSES
    counts = np.bincount(labels, minlength=len(classes))
    assert len(counts) == len(classes)
    fewest, most = SETS[name].class_counts
    assert fewest <= counts.min() <= counts.max() <= most


@every_set
def test_training_and_held_out_samples_are_disjoint(name: str) -> None:
    held_out, _ = generated(name, "held out")
    training, _ = generated(name, "training")
    seen = {sample.tobytes() for sample in held_out}
    assert len(seen) == SETS[name].count
    assert not seen & {sample.tobytes() for sample in training}


def test_spectrograms_are_exact_in_any_float_type() -> None:
    samples, _ = generated("ad01", "held out")
    steps = samples.astype(np.float64) * 256
    np.testing.assert_array_equal(steps, np.round(steps))


@every_set
def test_write_gives_the_layout_of_the_official_runner(
    name: str, written: Callable[[str], Path]
) -> None:
    folder, (samples, labels) = written(name), generated(name, "held out")
    with (folder / "y_labels.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert len(rows) == SETS[name].count
    assert {file.name for file in folder.iterdir()} == {"y_labels.csv", *(row[0] for row in rows)}
    classes = len(generator(name).CLASSES)
    for index, (file_name, count, label, *_) in enumerate(rows):
        assert (int(count), int(label)) == (classes, labels[index])
        assert f"_{index:06d}" in file_name
        assert (folder / file_name).read_bytes() == samples[index].tobytes()
    assert rows[0] == [SETS[name].file, *SETS[name].line.split(",")]


@every_set
def test_what_is_written_is_pinned(name: str, written: Callable[[str], Path]) -> None:
    files = {file.name: file.read_bytes() for file in written(name).iterdir()}
    assert digest(files) == SETS[name].folder_sha256


def test_a_set_that_is_there_already_stands(tmp_path: Path) -> None:
    folder = tmp_path / "made" / "ic01"
    standin.write("ic01", folder)
    before = folder.stat().st_ino
    standin.write("ic01", folder)
    assert folder.stat().st_ino == before
    assert list(folder.parent.iterdir()) == [folder]  # nothing of the scratch folder is left


def test_write_leaves_an_existing_folder_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(ConfigError, match="exists"):
        standin.write("ic01", tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["mine.txt"]


def test_a_write_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(kws01, "generate", fail)
    with pytest.raises(OSError, match="No space"):
        standin.write("kws01", tmp_path / "kws01")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["nope01", "", "../kws01", "kws01.x", "_draws"])
def test_a_task_without_generator_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no stand-in set"):
        standin.write(name, tmp_path / "set")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["kws01", "ic01", "vww01"])
def test_the_oracle_of_a_classifier_belongs_to_the_held_out_set(
    name: str, written: Callable[[str], Path]
) -> None:
    _, labels = generated(name, "held out")
    with np.load(ORACLES / f"{name}_oracle.npz") as oracle:
        names, outputs = oracle["names"].tolist(), oracle["outputs"]
    assert names == named_in(written(name))
    assert (outputs.shape, outputs.dtype) == ((len(labels), len(generator(name).CLASSES)), np.int8)
    assert int(np.sum(outputs.argmax(axis=1) == labels)) == SETS[name].score


def test_the_oracle_of_the_autoencoder_belongs_to_the_held_out_set(
    written: Callable[[str], Path],
) -> None:
    _, labels = generated("ad01", "held out")
    with np.load(ORACLES / "ad01_oracle.npz") as oracle:
        arrays = dict(oracle)
    names = named_in(written("ad01"))
    assert arrays["names"].tolist() == names
    assert arrays["output_names"].tolist() == names[::60]
    assert (arrays["outputs"].shape, arrays["outputs"].dtype) == ((5, 196, 640), np.int8)
    errors = arrays["window_mse"]
    assert (errors.shape, errors.dtype) == ((248, 196), np.float64)
    scores = errors.mean(axis=1)
    normal, anomalous = scores[labels == 0], scores[labels == 1]
    assert np.mean(anomalous[:, np.newaxis] > normal) == pytest.approx(SETS["ad01"].score, abs=5e-5)


def named_in(folder: Path) -> list[str]:
    """The files that a label file names, in its order."""
    return [line.split(",")[0] for line in (folder / "y_labels.csv").read_text().splitlines()]
