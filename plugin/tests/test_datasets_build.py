"""Archives, hostile ones too, and whole sets that are fetched or built from them."""

from __future__ import annotations

import gzip
import hashlib
import io
import pickle
import struct
import tarfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyhil.data import archive as archive_module
from tinyhil.data import cifar10
from tinyhil.data.archive import members
from tinyhil.data.fetch import build
from tinyhil.data.verify import verify
from tinyhil.ground.errors import DataError

Image = tuple[str, int, bytes]
"""Name, label, and 32 x 32 x 3 interleaved bytes."""


def tar_gz(path: Path, files: Mapping[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz", compresslevel=1) as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return path


def planes(image: bytes) -> bytes:
    return np.frombuffer(image, np.uint8).reshape(1024, 3).T.tobytes()


def binary_batch(images: list[Image]) -> bytes:
    return b"".join(bytes([label]) + planes(data) for _, label, data in images)


def pickled_batch(images: list[Image]) -> bytes:
    """A batch as Python 2 pickled it, protocol 2, with its strings of bytes."""

    def text(value: str) -> bytes:
        return b"U" + bytes([len(value)]) + value.encode()

    data = b"".join(planes(image) for _, _, image in images)
    shape = b"M" + struct.pack("<H", len(images)) + b"M" + struct.pack("<H", 3072) + b"\x86"
    array = (
        b"cnumpy.core.multiarray\n_reconstruct\nq\x05cnumpy\nndarray\nq\x06K\x00\x85"
        + text("b")
        + b"\x87R(K\x01"
        + shape
        + b"cnumpy\ndtype\nq\x07"
        + text("u1")
        + b"K\x00K\x01\x87R(K\x03"
        + text("|")
        + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89T"
        + struct.pack("<I", len(data))
        + data
        + b"tb"
    )
    labels = b"](" + b"".join(b"K" + bytes([label]) for _, label, _ in images) + b"e"
    names = b"](" + b"".join(text(name) for name, _, _ in images) + b"e"
    pairs = [
        text("batch_label") + text("testing batch 1 of 1"),
        text("labels") + b"q\x04" + labels,
        text("data") + array,
        text("filenames") + names,
    ]
    return b"\x80\x02}q\x01(" + b"".join(pairs) + b"u."


def images(count: int, seed: int) -> list[Image]:
    generator = np.random.default_rng(seed)
    return [
        (f"image_{seed}_{index}.bin", int(generator.integers(10)), generator.bytes(3072))
        for index in range(count)
    ]


def pins_of(chosen: list[Image]) -> dict[str, str]:
    pins = {name: hashlib.sha256(data).hexdigest() for name, _, data in chosen}
    labels = "".join(f"{name},10,{label}\n" for name, label, _ in chosen)
    return pins | {"y_labels.csv": hashlib.sha256(labels.encode()).hexdigest()}


def write_pins(folder: Path, name: str, pins: Mapping[str, str], source: str) -> Path:
    """A folder of pinned sums with one set."""
    folder.mkdir()
    lines = "".join(f"{sha256}  {file}\n" for file, sha256 in pins.items())
    (folder / f"{name}.sha256").write_text(lines)
    common = "".join(f'{key} = "-"\n' for key in ("title", "origin", "licence", "get"))
    (folder / "sources.toml").write_text(f"schema = 1\n[sets.{name}]\n{common}{source}")
    return folder


@pytest.fixture
def chosen() -> list[Image]:
    """Some test images, in an order of the list's own, and one of the training images."""
    test = images(20, 1)
    return [test[7], test[3], test[19], images(20, 2)[5]]


@pytest.fixture(params=["binary", "python"])
def cifar(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """An archive like CIFAR-10's of either version."""
    if request.param == "binary":
        encode, suffix, folder = binary_batch, ".bin", "cifar-10-batches-bin"
    else:
        encode, suffix, folder = pickled_batch, "", "cifar-10-batches-py"
    batches = {
        f"{folder}/readme.html": b"<html>",
        f"{folder}/data_batch_1{suffix}": encode(images(20, 2)),
        f"{folder}/test_batch{suffix}": encode(images(20, 1)),
    }
    return tar_gz(tmp_path / "cifar-10.tar.gz", batches)


@pytest.fixture
def pinned(tmp_path: Path, chosen: list[Image]) -> Path:
    source = (
        'folder = "datasets/ic01"\n[sets.ic01.archive]\nurl = "http://127.0.0.1:9/c.tar.gz"\n'
        'layout = "cifar-10"\nbytes_max = 1\n'
    )
    return write_pins(tmp_path / "pins", "ic01", pins_of(chosen), source)


def test_our_pickles_are_what_python_reads_as_a_batch() -> None:
    batch = pickle.loads(pickled_batch(images(3, 1)), encoding="bytes")  # noqa: S301 - our own
    assert batch[b"labels"] == [label for _, label, _ in images(3, 1)]
    assert batch[b"data"].tobytes() == b"".join(planes(data) for _, _, data in images(3, 1))


def test_a_set_is_built_from_either_archive(
    cifar: Path, pinned: Path, chosen: list[Image], tmp_path: Path
) -> None:
    root = tmp_path / "root"
    assert build(root, archive=cifar, pinned=pinned).complete
    folder = root / "datasets" / "ic01"
    for name, _, data in chosen:
        assert (folder / name).read_bytes() == data
    labels = "".join(f"{name},10,{label}\n" for name, label, _ in chosen)
    assert (folder / "y_labels.csv").read_text() == labels
    assert len(list(folder.iterdir())) == len(chosen) + 1
    assert cifar.exists()


def test_build_mends_a_damaged_set_and_leaves_extra_files(
    cifar: Path, pinned: Path, chosen: list[Image], tmp_path: Path
) -> None:
    folder = tmp_path / "datasets" / "ic01"
    folder.mkdir(parents=True)
    (folder / chosen[0][0]).write_bytes(b"torn")
    (folder / "mine.txt").write_bytes(b"kept")
    report = build(tmp_path, archive=cifar, pinned=pinned)
    assert report.extra == ("mine.txt",)
    assert (folder / chosen[0][0]).read_bytes() == chosen[0][2]


def test_a_whole_set_is_not_built_again(pinned: Path, cifar: Path, tmp_path: Path) -> None:
    build(tmp_path, archive=cifar, pinned=pinned)
    assert build(tmp_path, archive=tmp_path / "gone.tar.gz", pinned=pinned).complete


@pytest.mark.parametrize(
    ("batch", "text"),
    [
        (binary_batch(images(20, 3)), "4 of the 4 images of ic01 are not in it"),
        (binary_batch(images(2, 1))[:-1], r"test_batch\.bin is not a batch of CIFAR-10"),
        (b"", "4 of the 4 images"),
    ],
)
def test_another_archive_is_refused_and_nothing_is_written(
    pinned: Path, tmp_path: Path, batch: bytes, text: str
) -> None:
    path = tar_gz(tmp_path / "x.tar.gz", {"c/test_batch.bin": batch})
    with pytest.raises(DataError, match=text):
        build(tmp_path / "root", archive=path, pinned=pinned)
    assert verify(tmp_path / "root", "ic01", pinned=pinned).absent


def test_wrong_labels_are_refused(pinned: Path, chosen: list[Image], tmp_path: Path) -> None:
    swapped = [(name, (label + 1) % 10, data) for name, label, data in chosen]
    path = tar_gz(tmp_path / "x.tar.gz", {"c/test_batch.bin": binary_batch(swapped)})
    with pytest.raises(DataError, match="their labels"):
        build(tmp_path / "root", archive=path, pinned=pinned)


def test_a_hostile_pickle_is_never_run(pinned: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"

    class Bomb:
        def __reduce__(self) -> tuple[object, tuple[object, ...]]:
            return Path.touch, (victim,)

    path = tar_gz(tmp_path / "x.tar.gz", {"c/test_batch": pickle.dumps(Bomb(), protocol=2)})
    with pytest.raises(DataError, match="test_batch is not a batch of CIFAR-10"):
        build(tmp_path / "root", archive=path, pinned=pinned)
    assert not victim.exists()


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_damaged_pickle_is_read_or_refused_and_nothing_else(data: st.DataObject) -> None:
    batch = bytearray(pickled_batch(images(1, 1)))
    edges = st.one_of(st.integers(0, 400), st.integers(len(batch) - 60, len(batch) - 1))
    for _ in range(data.draw(st.integers(1, 4))):
        batch[data.draw(edges)] = data.draw(st.integers(0, 255))
    try:
        labels, pixels = cifar10._pickled(bytes(batch))
    except ValueError:
        return
    assert len(pixels) == len(labels) * 3072


def test_paths_and_links_of_an_archive_are_compared_and_never_opened(tmp_path: Path) -> None:
    path = tmp_path / "x.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        link = tarfile.TarInfo("c/link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
        climber = tarfile.TarInfo("../../climber")
        climber.size = 2
        tar.addfile(climber, io.BytesIO(b"up"))
    assert list(members(path, lambda _: True)) == [("../../climber", b"up")]
    assert [entry.name for entry in tmp_path.iterdir()] == ["x.tar.gz"]


def test_an_archive_that_expands_without_end_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive_module._Bounded, "_left", 1 << 20)
    path = tar_gz(tmp_path / "bomb.tar.gz", {"zeros": bytes(2 << 20), "after": b""})
    assert path.stat().st_size < 20_000
    with pytest.raises(DataError, match="expands to more"):
        list(members(path, lambda name: name == "after"))


def test_a_header_that_promises_too_much_is_refused(tmp_path: Path) -> None:
    header = tarfile.TarInfo("huge")
    header.size = 1 << 40
    path = tmp_path / "x.tar.gz"
    path.write_bytes(gzip.compress(header.tobuf() + bytes(1024)))
    with pytest.raises(DataError, match="is not a complete"):
        list(members(path, lambda _: True))


@pytest.mark.parametrize("keep", [0, 5, 300])
def test_a_torn_archive_is_named(cifar: Path, keep: int) -> None:
    cifar.write_bytes(cifar.read_bytes()[:keep])
    with pytest.raises(DataError, match=r"cifar-10\.tar\.gz: is not a complete \.tar\.gz"):
        list(members(cifar, lambda _: True))


def test_a_missing_archive_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone\.tar\.gz: cannot be read: No such file"):
        list(members(tmp_path / "gone.tar.gz", lambda _: True))


def test_the_official_list_is_rebuilt_byte_for_byte(official: Path, tmp_path: Path) -> None:
    """An archive made of the official images in another order, among others, gives the folder."""
    folder = official / "datasets" / "ic01"
    rows = [line.split(",") for line in (folder / "y_labels.csv").read_text().split()]
    chosen = [(name, int(label), (folder / name).read_bytes()) for name, _, label in rows]
    mixed = sorted(chosen + images(300, 9), key=lambda image: image[2])
    for encode, name in ((binary_batch, "test_batch.bin"), (pickled_batch, "test_batch")):
        path = tar_gz(tmp_path / f"{name}.tar.gz", {f"cifar/{name}": encode(mixed)})
        assert build(tmp_path / name, archive=path).complete
        built = tmp_path / name / "datasets" / "ic01"
        assert {entry.name for entry in built.iterdir()} == {
            entry.name for entry in folder.iterdir()
        }
        for entry in folder.iterdir():
            assert (built / entry.name).read_bytes() == entry.read_bytes()
