"""Builds ``ic01`` from the CIFAR-10 archive, by content.

The official samples are 200 images of CIFAR-10 with their colours interleaved. Each is found by its
pinned SHA-256, so neither names nor positions in the archive matter, and both archives can be used:
the binary one (records of a label and three planes of 1024 bytes) and the Python one (pickles).

A pickle is a program; it is never run here. Its opcodes are listed, which is safe, and the two
things that matter are picked out: the only byte string as long as the images, and the numbers that
follow the word ``labels``.
"""

from __future__ import annotations

import hashlib
import pickletools
import re
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from tinyhil.data.archive import members
from tinyhil.ground.errors import DataError
from tinyhil.ground.progress import Progress

_PLANE_BYTES = 32 * 32
_IMAGE_BYTES = 3 * _PLANE_BYTES
_CLASSES = 10
_LABELS = "y_labels.csv"
_BATCHES = 6
_BATCH_NAME = re.compile(r"(data_batch_[1-5]|test_batch)(\.bin)?")


def build(
    archive: Path, pins: Mapping[str, str], progress: Progress | None = None
) -> dict[str, bytes]:
    """The files of ``ic01`` by name, each with its pinned sum.

    Args:
        archive: ``cifar-10-binary.tar.gz`` or ``cifar-10-python.tar.gz``.
        pins: SHA-256 by file name, samples in the order of the label file.
        progress: called with the number of batches read and their total.

    Raises:
        DataError: the archive is damaged, or an image is not in it.
    """
    names = {sha256: name for name, sha256 in pins.items() if name != _LABELS}
    files: dict[str, bytes] = {}
    labels: dict[str, int] = {}
    for done, batch in enumerate(_batches(archive), start=1):
        for label, image in _images(archive, *batch):
            name = names.get(hashlib.sha256(image).hexdigest())
            if name is not None:
                files[name], labels[name] = image, label
        if progress:
            progress(done, _BATCHES)
        if len(files) == len(names):
            break
    absent = [name for name in pins if name != _LABELS and name not in files]
    if absent:
        raise DataError(
            f"{archive}: {len(absent)} of the {len(names)} images of ic01 are not in it, the first "
            f"is {absent[0]}",
            hint="take cifar-10-binary.tar.gz or cifar-10-python.tar.gz, complete and unchanged",
        )
    lines = [f"{name},{_CLASSES},{labels[name]}\n" for name in pins if name != _LABELS]
    files[_LABELS] = "".join(lines).encode("ascii")
    if hashlib.sha256(files[_LABELS]).hexdigest() != pins[_LABELS]:
        raise DataError(
            f"{archive}: the images are right, but their labels are not",
            hint="take an unchanged archive",
        )
    return files


def _batches(archive: Path) -> Iterator[tuple[str, bytes]]:
    """Name and content of every batch of images."""
    return members(archive, lambda path: bool(_BATCH_NAME.fullmatch(PurePosixPath(path).name)))


def _images(archive: Path, path: str, batch: bytes) -> Iterator[tuple[int, bytes]]:
    """Label and interleaved RGB bytes, 32 x 32 x 3, of every image of a batch."""
    try:
        labels, planes = _binary(batch) if path.endswith(".bin") else _pickled(batch)
    except ValueError as error:
        raise DataError(
            f"{archive}: its {PurePosixPath(path).name} is not a batch of CIFAR-10: {error}",
            hint="take cifar-10-binary.tar.gz or cifar-10-python.tar.gz, complete and unchanged",
        ) from error
    pixels = planes.reshape(-1, 3, _PLANE_BYTES).transpose(0, 2, 1)
    for label, image in zip(labels, pixels, strict=True):
        yield int(label), image.tobytes()


def _binary(batch: bytes) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Labels and images of records of a label and an image; `ValueError` for any other file."""
    records = np.frombuffer(batch, np.uint8).reshape(-1, 1 + _IMAGE_BYTES)
    return records[:, 0], records[:, 1:]


def _pickled(batch: bytes) -> tuple[list[int], NDArray[np.uint8]]:
    """Labels and images of a pickle; `ValueError` if it is not one or holds something else."""
    labels: list[int] = []
    images = b""
    in_labels = False
    for opcode, argument, _ in pickletools.genops(batch):
        if isinstance(argument, str) and opcode.name.endswith("STRING"):
            in_labels = argument == "labels"
            if len(argument) >= _IMAGE_BYTES:
                images = argument.encode("latin-1")
        elif in_labels and isinstance(argument, int) and opcode.name == "BININT1":
            labels.append(argument)
    if not labels or len(images) != len(labels) * _IMAGE_BYTES:
        raise ValueError(f"{len(labels)} labels and {len(images)} bytes of images")
    return labels, np.frombuffer(images, np.uint8)
