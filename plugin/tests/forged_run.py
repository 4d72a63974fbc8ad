"""A run that can be changed by somebody who knows how a run is kept, and is sealed anew."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tinyhil.catalog import metrics
from tinyhil.device import raw_lines
from tinyhil.record.rows import accuracy_of
from tinyhil.record.seal import read_seal, seal


class Forged:
    """A copy of a run of kws01, open to be changed; `close` writes and seals it."""

    def __init__(self, run: Path, folder: Path) -> None:
        self.folder = Path(shutil.copytree(run, folder))
        (folder / "seal.json.sig").unlink()  # It would tell at once.
        self.packages = dict(read_seal(run).packages)
        self.about = json.loads((folder / "run.json").read_text())
        self.lines = self._objects("record.jsonl")
        self.rows = {
            path.stem.partition("-")[2]: self._objects(f"raw/{path.name}")
            for path in (folder / "raw").glob("*.jsonl")
        }

    def _objects(self, name: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.folder / name).read_text().splitlines()]

    def plain(self, measure: str) -> list[dict[str, Any]]:
        """The rows of a measure itself."""
        return [row for row in self.rows[measure] if "role" not in row]

    @property
    def job(self) -> dict[str, Any]:
        """Facts of the task."""
        found: dict[str, Any] = self.about["jobs"]["kws01"]
        return found

    def line(self, measure: str) -> dict[str, Any]:
        return next(line for line in self.lines if line["measure"] == measure)

    def subject(self, **changes: object) -> None:
        """Say something else of what was measured, everywhere."""
        self.job["subject"].update(changes)
        for line in self.lines:
            line.update(changes)

    def kept(self, sha256: str) -> bytes:
        return gzip.decompress((self.folder / "kept" / f"{sha256}.gz").read_bytes())

    def keep(self, content: bytes) -> str:
        sha256 = hashlib.sha256(content).hexdigest()
        (self.folder / "kept" / f"{sha256}.gz").write_bytes(gzip.compress(content))
        return sha256

    def board(self, change: Callable[[dict[str, Any]], object]) -> None:
        """Give the board other facts."""
        facts = json.loads(self.kept(self.job["kept"]["board"]))
        change(facts)
        self.job["kept"]["board"] = self.keep(json.dumps(facts).encode())

    def judge(self) -> None:
        """Figures of the accuracy, and the limits of every line, as rows and facts have them."""
        found, line = accuracy_of(self.plain("accuracy")), self.line("accuracy")
        line["metrics"]["top1"] = metrics.top1(found.labels, found.scores)
        area = metrics.auc(found.labels, found.scores)
        line["metrics"] |= {"auc": area} if area is not None else {}
        line["samples"], line["details"]["inferences"] = len(found.names), found.inferences
        for line in self.lines:
            limits = self.job["limits"]
            line["limits"] = {
                name: {key: value for key, value in limits[name].items() if value is not None}
                for name in line["metrics"]
                if name in limits
            }

    def log(self, pattern: str, new: str) -> None:
        """Change what the serial log holds of the device's text, which may have come in pieces."""
        path = self.folder / "raw" / "kws01-serial.log"
        made: list[str] = []
        for line in path.read_text().splitlines():
            if made and _of_text(line) and _of_text(made[-1]):
                pieces = (raw_lines.bytes_of(one[15:]) or b"" for one in (made.pop(), line))
                line = line[:15] + repr(b"".join(pieces))  # noqa: PLW2901
            made.append(line)
        text, count = re.subn(pattern, new, "\n".join(made))
        assert count, pattern
        path.write_text(f"{text}\n")

    def close(self) -> Path:
        about = json.dumps(self.about)
        (self.folder / "run.json").write_text(about)
        for path in (self.folder / "kept").glob("*.gz"):
            if path.stem not in about:
                path.unlink()
        for name, objects in {
            "record.jsonl": self.lines,
            **{f"raw/kws01-{measure}.jsonl": rows for measure, rows in self.rows.items()},
        }.items():
            (self.folder / name).write_text("".join(f"{json.dumps(one)}\n" for one in objects))
        seal(self.folder, self.packages)
        return self.folder


def _of_text(line: str) -> bool:
    """Whether a transfer is text from the device."""
    return line[13] == "<" and line[15] == "b" and line[16] in "'\""
