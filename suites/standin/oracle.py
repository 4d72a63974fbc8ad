"""Store a model's exact outputs for a folder of samples, to test kernels and devices against.

Bit-exact means: equal to ``tflite-runtime`` 2.14 with its reference kernels, as here; the faster
kernels of later releases differ in last bits. It is pinned beside TensorFlow, so the environment
of ``train_kws01.py`` serves. Write the samples with the product first, for example::

    python -c "from pathlib import Path; from tinyhil.standin import write;
    write('kws01', Path('build/kws01'))"
    build/train/bin/python suites/standin/oracle.py suites/standin/kws01.tflite build/kws01 \\
        --out suites/standin/kws01_oracle.npz

The result holds ``names`` (of the sample files, in the order of ``y_labels.csv``) and ``outputs``
(int8, one row a sample), and is byte-identical from run to run with one release of zlib.
"""

# ruff: noqa: T201 - printing is what a script is for

from __future__ import annotations

import argparse
import csv
import hashlib
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tflite_runtime.interpreter import Interpreter, OpResolverType


def read_labels(folder: Path) -> tuple[list[str], NDArray[np.int64]]:
    """File names and classes from ``y_labels.csv``; blanks and CR at line ends are dropped."""
    with (folder / "y_labels.csv").open(newline="", encoding="ascii") as file:
        rows = [[cell.strip() for cell in row] for row in csv.reader(file) if row]
    return [row[0] for row in rows], np.array([int(row[2]) for row in rows], dtype=np.int64)


def outputs_of(
    model: Path, folder: Path, names: list[str], *, unsigned: bool = False
) -> NDArray[np.int8]:
    """Outputs of an int8 model for the named sample files, shape ``(n, output bytes)``.

    Args:
        model: a ``.tflite`` file with one int8 input and one int8 output.
        folder: folder of the samples, each as long as the model's input.
        names: the files, in the order of the result.
        unsigned: the files hold uint8 image bytes, of which 128 is subtracted.

    Raises:
        ValueError: a sample's length is not the input's, or the model is not int8.
    """
    interpreter = Interpreter(str(model), experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
    interpreter.allocate_tensors()
    source, sink = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    if (source["dtype"], sink["dtype"]) != (np.int8, np.int8):
        raise ValueError(f"{model} takes {source['dtype']} and gives {sink['dtype']}, not int8")
    outputs = []
    for name in names:
        raw = np.frombuffer((folder / name).read_bytes(), dtype=np.uint8)
        signed = (raw ^ 128 if unsigned else raw).view(np.int8)
        interpreter.set_tensor(source["index"], signed.reshape(source["shape"]))
        interpreter.invoke()
        outputs.append(interpreter.get_tensor(sink["index"]).reshape(-1))
    return np.stack(outputs)


def parse(arguments: list[str]) -> argparse.Namespace:
    """Command line to options."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("model", type=Path, help="int8 .tflite file")
    parser.add_argument("folder", type=Path, help="samples with their y_labels.csv")
    parser.add_argument("--out", type=Path, required=True, help=".npz file to write")
    parser.add_argument("--count", type=int, help="only the first so many samples")
    parser.add_argument("--unsigned", action="store_true", help="samples are uint8 image bytes")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    """Run the samples, write the file, print the top-1 of these outputs; 0 on success."""
    options = parse(arguments)
    names, labels = read_labels(options.folder)
    names, labels = names[: options.count], labels[: options.count]
    outputs = outputs_of(options.model, options.folder, names, unsigned=options.unsigned)
    np.savez_compressed(options.out, names=np.array(names), outputs=outputs)
    right = int(np.sum(outputs.argmax(axis=1) == labels))
    print(f"top-1 {right / len(names):.3f} ({right} of {len(names)})")
    print(f"sha256 {hashlib.sha256(options.out.read_bytes()).hexdigest()}  {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
