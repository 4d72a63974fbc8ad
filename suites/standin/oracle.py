"""Store a model's exact outputs for a folder of samples, to test kernels and devices against.

Bit-exact means: equal to ``tflite-runtime`` 2.14 with its reference kernels, as here; the faster
kernels of later releases differ in last bits. It is pinned together with TensorFlow, so the
environment of the training scripts can be used. Write the samples with the product first, for
example::

    python -c "from pathlib import Path; from tinyhil.data.standin import write;
    write('kws01', Path('build/kws01'))"
    build/train/bin/python suites/standin/oracle.py suites/standin/kws01.tflite build/kws01 \\
        --out suites/standin/kws01_oracle.npz

The result holds ``names`` (of the sample files, in the order of ``y_labels.csv``) and ``outputs``
(int8, one row a sample), and is byte-identical from run to run with one release of zlib.

Where the label file gives windows (bytes of one, and to the start of the next), a sample is
float32, and the model gets each of its windows, quantized, and gives it back. The result then holds
``names``, ``window_mse`` (float64, mean squared error between float window and dequantized output,
one row a sample) and, of every n-th sample (``--every``), ``output_names`` and ``outputs`` (int8,
shape ``(samples, windows, output bytes)``).
"""

# ruff: noqa: T201 - a script is meant to print

from __future__ import annotations

import argparse
import csv
import hashlib
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tflite_runtime.interpreter import Interpreter, OpResolverType


@dataclass(frozen=True)
class Labels:
    """A label file: sample files, their classes, and the windows in each, if any."""

    names: list[str]
    classes: NDArray[np.int64]
    window_bytes: int | None
    stride_bytes: int | None


def read_labels(folder: Path, count: int | None) -> Labels:
    """The first ``count`` lines of ``y_labels.csv``; spaces and CR at line ends are dropped."""
    with (folder / "y_labels.csv").open(newline="", encoding="ascii") as file:
        rows = [[cell.strip() for cell in row] for row in csv.reader(file) if row][:count]
    classes = np.array([int(row[2]) for row in rows], dtype=np.int64)
    window, stride = map(int, rows[0][3:5]) if len(rows[0]) >= 5 else (None, None)
    return Labels([row[0] for row in rows], classes, window, stride)


class Model:
    """A ``.tflite`` file with one int8 input and one int8 output.

    Raises:
        ValueError: input or output is not int8.
    """

    def __init__(self, path: Path) -> None:
        self._interpreter = Interpreter(
            str(path), experimental_op_resolver_type=OpResolverType.BUILTIN_REF
        )
        self._interpreter.allocate_tensors()
        self._source: dict[str, Any] = self._interpreter.get_input_details()[0]
        self._sink: dict[str, Any] = self._interpreter.get_output_details()[0]
        if (self._source["dtype"], self._sink["dtype"]) != (np.int8, np.int8):
            raise ValueError(
                f"{path} takes {self._source['dtype']} and gives {self._sink['dtype']}, not int8"
            )

    def run(self, value: NDArray[np.int8]) -> NDArray[np.int8]:
        """The output bytes for input bytes, which must be as many as the input has."""
        self._interpreter.set_tensor(self._source["index"], value.reshape(self._source["shape"]))
        self._interpreter.invoke()
        return np.asarray(self._interpreter.get_tensor(self._sink["index"])).reshape(-1)

    def quantized(self, values: NDArray[np.float32]) -> NDArray[np.int8]:
        """Floats as the model's input: divided in float32, rounded half to even, clipped."""
        scale, zero_point = self._source["quantization"]
        steps = np.round(values / np.float32(scale)) + zero_point
        return np.clip(steps, -128, 127).astype(np.int8)

    def dequantized(self, outputs: NDArray[np.int8]) -> NDArray[np.float64]:
        """Outputs as the numbers that they mean."""
        scale, zero_point = self._sink["quantization"]
        return (outputs.astype(np.float64) - zero_point) * float(scale)


def outputs_of(
    model: Model, folder: Path, names: list[str], *, unsigned: bool = False
) -> NDArray[np.int8]:
    """Outputs for the named sample files, shape ``(n, output bytes)``.

    Args:
        model: the model.
        folder: folder of the samples, each as long as the model's input.
        names: the files, in the order of the result.
        unsigned: the files hold uint8 image bytes, of which 128 is subtracted.
    """
    outputs = []
    for name in names:
        raw = np.frombuffer((folder / name).read_bytes(), dtype=np.uint8)
        outputs.append(model.run((raw ^ 128 if unsigned else raw).view(np.int8)))
    return np.stack(outputs)


def windows_of(path: Path, labels: Labels) -> NDArray[np.float32]:
    """The windows in a sample file, shape ``(windows, floats)``."""
    assert labels.window_bytes is not None
    assert labels.stride_bytes is not None
    values = np.frombuffer(path.read_bytes(), dtype="<f4")
    views = np.lib.stride_tricks.sliding_window_view(values, labels.window_bytes // 4)
    return np.asarray(views[:: labels.stride_bytes // 4], dtype=np.float32)


def reconstruct(
    model: Model, folder: Path, labels: Labels, every: int
) -> dict[str, NDArray[np.generic]]:
    """What the file for a task with windows holds, by name."""
    errors, kept = [], []
    for index, name in enumerate(labels.names):
        windows = windows_of(folder / name, labels)
        outputs = np.stack([model.run(window) for window in model.quantized(windows)])
        errors.append(np.mean((windows - model.dequantized(outputs)) ** 2, axis=1))
        if index % every == 0:
            kept.append(outputs)
    return {
        "names": np.array(labels.names),
        "window_mse": np.stack(errors),
        "output_names": np.array(labels.names[::every]),
        "outputs": np.stack(kept),
    }


def auc(scores: NDArray[np.float64], positive: NDArray[np.bool_]) -> float:
    """Area under the ROC curve; a tie is half."""
    inside, outside = scores[positive][:, np.newaxis], scores[~positive][np.newaxis]
    return float(np.mean(inside > outside) + np.mean(inside == outside) / 2)


def parse(arguments: list[str]) -> argparse.Namespace:
    """Command line to options."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("model", type=Path, help="int8 .tflite file")
    parser.add_argument("folder", type=Path, help="samples with their y_labels.csv")
    parser.add_argument("--out", type=Path, required=True, help=".npz file to write")
    parser.add_argument("--count", type=int, help="only the first samples, this many")
    parser.add_argument("--unsigned", action="store_true", help="samples are uint8 image bytes")
    parser.add_argument(
        "--every", type=int, default=60, help="windows: keep outputs of every n-th sample"
    )
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    """Run the samples, write the file, print the score of these outputs; 0 on success."""
    options = parse(arguments)
    labels = read_labels(options.folder, options.count)
    model = Model(options.model)
    if labels.window_bytes is None:
        outputs = outputs_of(model, options.folder, labels.names, unsigned=options.unsigned)
        np.savez_compressed(options.out, names=np.array(labels.names), outputs=outputs)
        right = int(np.sum(outputs.argmax(axis=1) == labels.classes))
        print(f"top-1 {right / len(outputs):.3f} ({right} of {len(outputs)})")
    else:
        arrays = reconstruct(model, options.folder, labels, options.every)
        np.savez_compressed(options.out, **arrays)
        scores = arrays["window_mse"].mean(axis=1)
        print(f"AUC {auc(scores, labels.classes == 1):.4f}")
    print(f"sha256 {hashlib.sha256(options.out.read_bytes()).hexdigest()}  {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
