"""The description of a system: ``systems/<system>.json``, and the user's file it is made from."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tinyhil.ground.errors import ConfigError
from tinyhil.ground.tree import Unreadable
from tinyhil.publish.submission.runner_json import loads

MAX_VALUE = 2000
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
"""Of folders that an export makes."""

REQUIRED: Mapping[str, str] = {
    "Submitter": "your organization; also the name of its folder",
    "Board Name": "the board, as it can be bought",
    "Processor(s) Name": "the core that ran it, as in 'Arm Cortex-M4F'",
    "Processor(s) Frequencies": "as in '120 MHz'",
    "Inference Framework": "what ran the model, with its version",
}
OPTIONAL: Mapping[str, str] = {
    "Processor count": "as in '1'",
    "SoC Name": "the chip",
    "SoC Memory capacity (not including processor or accelerator)": "as in '640 KB'",
    "SoC Memory type": "",
    "SoC storage capacity": "",
    "SoC storage type": "",
    "Processor memory type and capacity": "",
    "Processor storage type and capacity": "",
    "Accelerator": "empty where there is none",
    "Accelerator count": "",
    "Accelerator(s) Frequencies": "",
    "Accelerator memory type and capacity": "",
    "Accelerator storage type and capacity": "",
    "Board Memory capacity (not including SoC, processor, or accelerator)": "",
    "Board Memory type": "",
    "Board storage capacity": "",
    "Board storage type": "",
    "Hardware Notes": "supply voltage, special modes",
    "Software Libraries": "",
    "Operating System": "",
    "Other Software Stack": "",
    "Software Notes": "",
    "Quantization Method": "",
    "Training framework (open division)": "",
    "ML Model Compiler(s)": "",
    "General Compiler(s)": "compiler, version, flags",
    "Other Software": "",
    "Training and Quantization Notes": "",
}
SET_BY_EXPORT = ("Division", "Status", "Models", "Rehearsal")


@dataclass(frozen=True)
class Model:
    """What the submitter says about the model of one task."""

    name: str = ""
    sha256: str = ""


@dataclass(frozen=True)
class System:
    """A system as its submitter describes it."""

    name: str
    """Of its folder."""
    description: Mapping[str, str]
    models: Mapping[str, Model] = field(default_factory=dict)
    """By task."""

    @property
    def missing(self) -> tuple[str, ...]:
        """Required fields that are absent or empty."""
        return tuple(key for key in REQUIRED if not self.description.get(key, "").strip())


@dataclass(frozen=True)
class Description:
    """A ``systems/<system>.json`` from any source."""

    values: Mapping[str, str]
    """Texts as they are; everything else as JSON."""
    models: Mapping[str, str]
    """Names of an open division's models, by task."""
    doubled: tuple[str, ...]
    """Keys that are there twice with different values; the last one counts."""

    def get(self, key: str) -> str:
        """A field's text, empty where it is absent."""
        return self.values.get(key, "").strip()


def read_description(data: bytes) -> Description:
    """Read a system's JSON as the official checker does: of two equal keys the last one counts.

    Raises:
        Unreadable: it is not a JSON object.
    """
    doubled: list[str] = []

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key, value in items:
            if key in values and values[key] != value:
                doubled.append(key)
            values[key] = value
        return values

    values = loads(data, object_pairs_hook=pairs)
    if not isinstance(values, dict):
        raise Unreadable("is not a JSON object")
    models = values.get("Models")
    names = models if isinstance(models, dict) else {}
    return Description(
        {key: _text(value) for key, value in values.items()},
        {task: _text(name) for task, name in names.items()},
        tuple(dict.fromkeys(doubled)),
    )


def template() -> str:
    """A TOML file to fill in."""
    lines = [
        "# Description of a system, for `tinyhil submission export --system FILE`.",
        "# Its division and category are options of that command.",
        "",
        'system = ""  # name of its folder: letters, digits, "_", "-", "."',
        "",
        "[description]",
        "# Required:",
        *(_template_line(key, hint) for key, hint in REQUIRED.items()),
        "# Optional:",
        *(_template_line(key, hint) for key, hint in OPTIONAL.items()),
        "",
        "# What model a task ran. Open division: its name, required. `sha256` (of the .tflite):",
        "# only for a firmware that does not report its model.",
        "# [models.kws01]",
        '# name = "ds-cnn, pruned"',
        '# sha256 = ""',
        "",
    ]
    return "\n".join(lines)


def load_system(path: Path) -> System:
    """Read the user's file: TOML as `template` has it, or JSON; also a system's JSON as it is.

    Raises:
        ConfigError: it can't be read, or a key is unknown or of a wrong kind; the text names all.
    """
    values = _load(path)
    if "description" in values:
        described, models, name = values.pop("description"), values.pop("models", {}), ""
        name = values.pop("system", "")
        problems = [f"unknown key '{key}'; known: system, description, models" for key in values]
    else:
        described, models, name, problems = values, values.pop("Models", {}), path.stem, []
    if not isinstance(name, str) or not NAME.fullmatch(name):
        problems.append(f"key 'system': '{name}' can't be the name of a folder")
    if not isinstance(described, dict) or not isinstance(models, dict):
        raise ConfigError(f"{path}: 'description' or 'models' is not a table", hint=_HINT)
    known = {*REQUIRED, *OPTIONAL, *SET_BY_EXPORT}
    for key, value in described.items():
        if key.strip() not in known:
            problems.append(f"key 'description': unknown field '{key}'")
        elif not isinstance(value, str) or len(value) > MAX_VALUE:
            problems.append(f"field '{key}': is not a text of at most {MAX_VALUE} characters")
    found = {task: _model(task, value, problems) for task, value in models.items()}
    if problems:
        raise ConfigError("\n".join(f"{path}: {problem}" for problem in problems), hint=_HINT)
    fields = {key.strip(): value for key, value in described.items()}
    return System(name, fields, found)


_HINT = "`tinyhil submission template` prints all keys"
_MODEL_SHA256 = re.compile(r"(?:[0-9a-f]{64})?")


def _model(task: str, value: Any, problems: list[str]) -> Model:
    if isinstance(value, str):
        return Model(value)
    if not isinstance(value, dict) or not value.keys() <= {"name", "sha256"}:
        problems.append(f"key 'models.{task}': known keys are name and sha256")
        return Model()
    model = Model(str(value.get("name", "")), str(value.get("sha256", "")))
    if not _MODEL_SHA256.fullmatch(model.sha256):
        problems.append(f"key 'models.{task}.sha256': is not a SHA-256 in hex")
    return model


def _load(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}", hint="check the path") from error
    try:
        values = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except ValueError as error:
        raise ConfigError(f"{path}: cannot be read: {error}", hint=_HINT) from error
    if not isinstance(values, dict):
        raise ConfigError(f"{path}: is not a table", hint=_HINT)
    return values


def _template_line(key: str, hint: str) -> str:
    return f'"{key}" = ""' + (f"  # {hint}" if hint else "")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
