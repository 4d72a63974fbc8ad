"""The options of pytest that are tinyhil's, as a user reads them in ``pytest --help``.

Imported by every pytest run, also by those that test no board: nothing heavy is imported here.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tinyhil.catalog.rules import CONFIDENCE
from tinyhil.device.fault_spec import SPEC_HELP

OPTIONS: tuple[tuple[str, str, Mapping[str, Any]], ...] = (
    (
        "--hil-board",
        "board to test: a name, a glob such as 'mps2*', or 'all'; repeatable (default: "
        "mps2-an386, emulated); `tinyhil boards` lists them",
        {"action": "append", "default": [], "metavar": "NAME"},
    ),
    (
        "--hil-task",
        "task to test: a name, or a glob such as 'kws*'; repeatable (default: all)",
        {"action": "append", "default": [], "metavar": "NAME"},
    ),
    (
        "--hil-boards",
        "folder with board types of your own, a TOML file each; they come to those of tinyhil",
        {"type": Path, "metavar": "DIR"},
    ),
    (
        "--hil-tasks",
        "folder with tasks of your own, a TOML file each; they come to those of tinyhil",
        {"type": Path, "metavar": "DIR"},
    ),
    (
        "--hil-bench",
        "TOML file that says which probe and port each physical board is wired to (default: "
        "bench.toml in the project's folder, if there)",
        {"type": Path, "metavar": "FILE"},
    ),
    (
        "--hil-firmware",
        "image of your own to flash instead of the reference firmware",
        {"type": Path, "metavar": "ELF"},
    ),
    (
        "--hil-model",
        "model of your own for a task, as in kws01=my.tflite: built, measured and judged in the "
        "place of the task's, in the open division; repeatable, one a task",
        {"action": "append", "default": [], "metavar": "TASK=TFLITE"},
    ),
    (
        "--hil-data",
        "folder with the official 'datasets' and 'models' (default: $TINYHIL_DATA; without "
        "either: the stand-in set that tinyhil generates)",
        {"type": Path, "metavar": "DIR"},
    ),
    (
        "--hil-link",
        "how samples travel: 'serial', 'rtt' (through the debug probe), or 'auto' (default): "
        "rtt to an emulated board with our own firmware, else serial; or a link that a package of "
        "yours brings",
        {"metavar": "LINK"},
    ),
    (
        "--hil-read-back",
        "share of the samples, from 0 to 1, that are read back from firmware that speaks the "
        "official protocol alone, which has no checksums (default: 0.05); 1 takes twice the "
        "time and corrects what it finds",
        {"type": float, "metavar": "SHARE"},
    ),
    ("--hil-faults", SPEC_HELP, {"metavar": "SPEC"}),
    (
        "--hil-quick",
        "few samples and queries, for a quick look: nothing is judged",
        {"action": "store_true"},
    ),
    (
        "--hil-all-windows",
        "infer every window of a task with many windows in a file (anomaly detection): minutes "
        "more, but without it the quality is not judged",
        {"action": "store_true"},
    ),
    (
        "--hil-seed",
        "asks again what a run with this seed asked: the run's record has it in the details of "
        "each measure (default: another one each time)",
        {"type": int, "metavar": "N"},
    ),
    (
        "--hil-wait",
        "how long to wait for a board that somebody else uses (default: 0)",
        {"type": float, "metavar": "SECONDS"},
    ),
    (
        "--hil-recover",
        "'on': a board or a link that fails is brought back and its measure goes on: the port is "
        "opened again, the board reset, flashed, its power cycled; what does not come back goes "
        "into quarantine. 'off': a fault ends its measure. Default: on where the board is another "
        "host's or labgrid's, off on a desk",
        {"choices": ("on", "off"), "metavar": "on|off"},
    ),
    (
        "--hil-resume",
        "folder of a run that was killed or has failed: continues after its last sample; "
        "needs the same options",
        {"type": Path, "metavar": "RUN"},
    ),
    (
        "--hil-rerun-failed",
        "folder of a run that is over: runs only the tests that did not end there, as a run of its "
        "own; `tinyhil gate` and `tinyhil results` take both together; repeatable, one per station",
        {"action": "append", "default": [], "type": Path, "metavar": "RUN"},
    ),
    (
        "--hil-sign",
        "sign the seal of each run with this SSH key, a private one without a passphrase or the "
        "public one of a key that the SSH agent has; `tinyhil verify --signers` checks it "
        "(default: the key 'sign' of the bench file)",
        {"type": Path, "metavar": "KEY"},
    ),
    (
        "--hil-runs",
        "folder for run folders and reports (default: reports/runs in the project's folder)",
        {"type": Path, "metavar": "DIR"},
    ),
    (
        "--hil-build",
        "folder for firmware builds and generated data sets (default: build in the project's "
        "folder)",
        {"type": Path, "metavar": "DIR"},
    ),
    (
        "--hil-baseline",
        "fail where a figure is worse than in this run folder, or in this file of `tinyhil gate "
        "--save`; repeatable, one per station",
        {"action": "append", "default": [], "type": Path, "metavar": "RUN|FILE"},
    ),
    (
        "--hil-tolerance",
        "how much worse, as in latency=0.5%% or flash=1024; see `tinyhil gate --help`",
        {"action": "append", "default": [], "metavar": "NAME=VALUE"},
    ),
    (
        "--hil-confidence",
        f"confidence of all comparisons on silicon together (default: {CONFIDENCE:g})",
        {"type": float, "metavar": "SHARE"},
    ),
    (
        "--hil-summary",
        "write the figures and verdicts as a table in Markdown to this file; to the end of it, if "
        "it is GitHub's ($GITHUB_STEP_SUMMARY)",
        {"type": Path, "metavar": "FILE"},
    ),
)

KEYS: Mapping[str, Mapping[str, Any]] = {
    name.removeprefix("--hil-").replace("-", "_"): keywords
    for name, _, keywords in OPTIONS
    if name not in ("--hil-resume", "--hil-rerun-failed")
}
"""What ``[tool.tinyhil]`` may hold: all but the options that are of one run alone."""

DEFAULTS: Mapping[str, Any] = {
    "link": "auto",
    "read_back": 0.05,
    "wait": 0.0,
    "confidence": CONFIDENCE,
}
"""Of the options that are neither a list, a flag nor a place; none of them is argparse's, so that
a value that the user typed can be told from a default."""


def add(parser: pytest.Parser) -> None:
    """Add them to pytest's."""
    group = parser.getgroup("tinyhil", "MLPerf Tiny on microcontroller boards (tinyhil)")
    for name, text, keywords in OPTIONS:
        group.addoption(name, help=text, **keywords)
