"""What the explorer in the page knows: the rows as JSON, without what could end its script tag."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tinyhil.catalog.task import load_tasks
from tinyhil.catalog.wording import data_label
from tinyhil.ground.text import shown
from tinyhil.publish.results.columns import remarks, tasks_of
from tinyhil.publish.results.rows import Figures, Row

_WIDTH = 200
_TEXTS = (
    "source", "submitter", "division", "category", "station", "device", "software", "details",
    "code", "mark",
)  # fmt: skip
_FIGURES = (
    "latency_p90_s", "latency_s", "energy_j", "flash_bytes", "ram_bytes", "top1", "auc",
    "false_positives", "false_negatives", "duty_cycle",
)  # fmt: skip


def embedded(rows: Sequence[Row], folder: Path) -> str:
    """JSON for a ``script`` element: it holds no ``<``, and nothing that is not finite.

    Args:
        rows: to tell.
        folder: where the page will lie; links to evidence start there.
    """
    known = load_tasks()
    values = {
        "tasks": [
            {
                "name": shown(name, _WIDTH),
                "title": known[name].title if name in known else "",
                "targets": {
                    metric: limit.min for metric, limit in known[name].targets.items() if limit.min
                }
                if name in known
                else {},
            }
            for name in tasks_of(rows)
        ],
        "rows": [_row(row, folder.resolve()) for row in rows],
        "remarks": remarks(rows),
    }
    return json.dumps(values, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


def _row(row: Row, folder: Path) -> dict[str, Any]:
    texts = {key: shown(getattr(row, key), _WIDTH) for key in _TEXTS}
    texts |= {
        "record": shown(row.trust, _WIDTH),
        "processor": _counted(row.processor_count, row.processor),
        "accelerator": _counted(row.accelerator_count, row.accelerator),
        "data": shown(data_label(row.data_set), _WIDTH),
    }
    return {
        **{key: text for key, text in texts.items() if text},
        "emulated": row.emulated,
        "tasks": {
            shown(task, _WIDTH): _figures(row, task, figures, folder)
            for task, figures in row.tasks.items()
        },
    }


def _counted(count: str, name: str) -> str:
    return shown(f"{count} x {name}" if name and count not in ("", "1") else name, _WIDTH)


def _figures(row: Row, task: str, figures: Figures, folder: Path) -> dict[str, Any]:
    numbers: dict[str, float | None] = {name: getattr(figures, name) for name in _FIGURES}
    if figures.modelled:  # It has no place beside energies that were measured.
        numbers["energy_j"] = None
    if row.emulated:
        numbers |= {
            "latency_p90_s_instructions": _instructions(row, figures.latency_p90_s, figures),
            "latency_s_instructions": _instructions(row, figures.latency_s, None),
        }
    told: Mapping[str, Any] = {
        "scope": shown(figures.scope, _WIDTH),
        "model": shown(row.models.get(task, ""), _WIDTH),
        "short": figures.short,
        "firmwares": figures.firmwares if figures.firmwares > 1 else 0,
        "evidence": [
            {"text": shown(Path(place).name, _WIDTH), "href": _link(place, folder)}
            for place in figures.evidence
        ],
    }
    finite = {
        name: value for name, value in numbers.items() if value is not None and math.isfinite(value)
    }
    return finite | {key: value for key, value in told.items() if value}


def _instructions(row: Row, seconds: float | None, figures: Figures | None) -> float | None:
    if seconds is None:
        return None
    if figures and figures.instructions is not None:
        return figures.instructions
    return round(seconds / row.instruction_s) if row.instruction_s else None


def _link(place: str, folder: Path) -> str:
    """A relative address: no name in it can be taken for a scheme or a host."""
    return "./" + quote(os.fsencode(os.path.relpath(Path(place).resolve(), folder)))
