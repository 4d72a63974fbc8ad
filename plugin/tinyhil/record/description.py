"""``run.json``: what a run is, written before anything is measured, completely or not at all."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, StrictInt, StrictStr, field_validator

from tinyhil.catalog.facts import Limit
from tinyhil.ground.errors import ConfigError
from tinyhil.ground.files import replace
from tinyhil.ground.text import printable
from tinyhil.record.configuration import Configuration, shown
from tinyhil.record.entry import Subject
from tinyhil.record.reading import parse, read_whole
from tinyhil.record.schema import RUN, SCHEMA, Count, Name, Number, Sum

if TYPE_CHECKING:
    from tinyhil.image.elf import Image


class _Object(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class ImageSizes(_Object):
    """Sizes of a firmware image in bytes, see `elf.Image`."""

    text: Count
    data: Count
    bss: Count

    @classmethod
    def of(cls, image: Image) -> ImageSizes:
        """Those of an image."""
        return cls(text=image.text_bytes, data=image.data_bytes, bss=image.bss_bytes)


class KeptSums(_Object):
    """SHA-256 of what lies in ``kept/``; those of image, model and data set's sums are the
    subject's."""

    board: Sum
    """Facts of the board."""
    task: Sum
    """Facts of the task."""
    labels: Sum
    """Label file of the data set."""


class JobFacts(_Object):
    """What one task of a run is measured with."""

    subject: Subject
    kept: KeptSums
    image: ImageSizes | None
    """None of a board that is measured as it is."""
    samples: Count
    """Of the data set that are measured."""
    build_id: Name | None
    """Of the image, see `elf.Image`."""
    limits: dict[Name, Limit]
    instruction_s: Number | None
    """Emulated seconds of one instruction; None for silicon."""

    @field_validator("subject")
    @classmethod
    def _has_sums(cls, subject: Subject) -> Subject:
        """Each leads to a file in ``kept/``."""
        for name in ("data_sha256", "model_sha256", "firmware_sha256"):
            value = getattr(subject, name)
            if value is not None and not re.fullmatch("[0-9a-f]{64}", value):
                raise ValueError(f"'{name}' is not a SHA-256")
        return subject


class Where(_Object):
    """Where a board is, if it is not simply plugged into the host that runs pytest."""

    place: Name | None = None
    """labgrid's name of it."""
    host: Name | None = None
    """That it is plugged into."""

    def __str__(self) -> str:
        """In words; empty where nothing is known."""
        told = [f"place {printable(self.place)}"] if self.place else []
        return ", ".join([*told, *([f"host {printable(self.host)}"] if self.host else [])])


class Part(_Object):
    """One process that measured for the run, or what it began anew after its board had failed."""

    started: StrictStr
    tinyhil: StrictStr
    """Its version."""
    rows: dict[str, Count]
    """How many rows of each measure were there when it started."""
    cut: dict[str, Count]
    """How many bytes of a torn last line it cut off each file."""
    board_at: Where | None = None
    """Where the board was."""


class Description(_Object):
    """The whole of ``run.json``."""

    schema_version: StrictInt = Field(alias="schema", default=SCHEMA)
    run: Name
    """Name of the folder that it was made as."""
    configuration: Configuration
    jobs: dict[str, JobFacts] = {}
    """By task."""
    parts: tuple[Part, ...]
    rerun_of: tuple[Name, ...] = ()
    """Runs whose tests it goes on with: those that did not end there."""

    def with_part(self, part: Part) -> Description:
        """The same with one more part."""
        return self.model_copy(update={"parts": (*self.parts, part)})

    def with_job(self, facts: JobFacts) -> Description:
        """The same with the facts of a task.

        Raises:
            ConfigError: the task is there already with other facts; the text names them.
        """
        task = facts.subject.task
        recorded = self.jobs.get(task)
        if recorded is not None and recorded != facts:
            now, then = _flat(facts), _flat(recorded)
            differences = [
                f"{name} is {shown(now.get(name))}, the run's is {shown(then.get(name))}"
                for name in sorted({*now, *then})
                if now.get(name) != then.get(name)
            ]
            raise ConfigError(
                f"{task} of {printable(self.run)} cannot be resumed: {'; '.join(differences)}",
                hint="restore what it was, or start a new run: without --hil-resume",
            )
        return self.model_copy(update={"jobs": {**self.jobs, task: facts}})

    @property
    def board_at(self) -> str:
        """Where the board was last, in words; empty where nothing is known."""
        at = self.parts[-1].board_at if self.parts else None
        return str(at or "")

    def write(self, folder: Path) -> None:
        """Write it to a run's folder.

        Raises:
            BenchError: it can't be written.
        """
        values = self.model_dump(mode="json", by_alias=True)
        for part in values["parts"]:
            if part["board_at"] is None:
                del part["board_at"]
        if not self.rerun_of:
            del values["rerun_of"]
        replace(folder / RUN, (json.dumps(values, indent=1) + "\n").encode())


def read_description(folder: Path) -> Description:
    """Read it from a run's folder.

    Raises:
        ConfigError: it is missing, of another schema, or damaged; the text names the key.
    """
    path = folder / RUN
    return parse(read_whole(path), Description, str(path))


def _flat(facts: JobFacts) -> dict[str, Any]:
    """The facts by name, one level deep."""
    values = facts.model_dump(mode="json", exclude_none=True)
    flat: dict[str, Any] = {}
    for name, value in values.items():
        flat |= (
            {f"{name} {key}": item for key, item in value.items()}
            if isinstance(value, dict)
            else {name: value}
        )
    return flat
