"""What is to be measured on a board, and the conversation with it."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from tinyhil.catalog.facts import Limit, Metric
from tinyhil.catalog.measure import MeasureName
from tinyhil.catalog.rules import QUICK, Rules
from tinyhil.catalog.task import Task
from tinyhil.data.material import Material, Sample
from tinyhil.device.dut import Dut
from tinyhil.device.identity import Guard
from tinyhil.device.info import DeviceInfo
from tinyhil.device.proof import ProbeProof
from tinyhil.device.queries import Queries
from tinyhil.device.queries.opening import Tap, asking
from tinyhil.device.session import Session
from tinyhil.ground.deadline import Deadline
from tinyhil.image.elf import Image
from tinyhil.image.reference import Reference, reference
from tinyhil.measure import measures as measure
from tinyhil.measure.audit.answers import Scores, heading_of
from tinyhil.measure.draws import Draws
from tinyhil.measure.floor import floor_s
from tinyhil.measure.limits import limits_of
from tinyhil.measure.supply import Supply
from tinyhil.measure.witness import Proof
from tinyhil.record import FAULTS_MARK, ImageSizes, JobFacts, KeptSums, Subject
from tinyhil.record.kept import facts_of_board, facts_of_task
from tinyhil.record.rows import Row

_CONFIRM_S = 10.0

NO_IMAGE = "memory is read off the firmware's image, and this board is measured as it is"
NO_IMAGE_HINT = (
    "give the image with --hil-firmware, and in the bench file a probe or a 'flash' table that "
    "puts it onto the board"
)

QUICK_SAMPLES = 24
"""Of a quick run: two for each class of keyword spotting."""


@dataclass(frozen=True)
class Job:
    """One image of one task on one board, and the rules of measuring it."""

    dut: Dut
    task: Task
    material: Material
    image: Image | None
    """None of a board that is measured as it is."""
    model_sha256: str | None
    """Of the model in the image; None where the user's own image does not say."""
    link: str
    quick: bool
    all_windows: bool
    read_back: float
    """Share of the samples that are read back from firmware without checksums."""
    faults: str | None
    """What is injected on purpose."""
    seed: int = field(default_factory=lambda: secrets.randbits(48))
    """Of everything that a device must not be able to predict."""
    supply: Supply | None = None
    """Its power monitor."""
    references: Path | None = None
    """Folder for the model on this machine; None: its answers are not compared."""

    @property
    def rules(self) -> Rules:
        """Of performance measurements."""
        return QUICK if self.quick else Rules()

    @property
    def samples(self) -> tuple[Sample, ...]:
        """The samples to use."""
        return self.material.data.samples[: QUICK_SAMPLES if self.quick else None]

    @property
    def performance_inputs(self) -> tuple[tuple[str, bytes], ...]:
        """Name and bytes of what performance is measured on."""
        return measure.performance_inputs(self.task, self.samples)

    @cached_property
    def reference(self) -> Reference | None:
        """The model on this machine; None where none is known, for a quick look, or where answers
        depend on those before.

        Raises:
            TinyhilError: see `reference.reference`.
        """
        model = self.material.model_file
        if self.references is None or self.quick or model is None or self.task.keeps_state:
            return None
        return reference(self.task, model, self.references)

    def proof(self, measure: MeasureName, done: Sequence[Row]) -> Proof:
        """How the answers of a measure are proved; a resumed one goes on with its own draws."""
        heading = heading_of(done)
        seed = heading["seed"] if heading else self.seed
        known, ours = self.reference, self.model_sha256 is not None
        return Proof(
            self.task,
            Draws.of(seed, self.task.name, measure),
            virtual=self.dut.board.emulated,
            quick=self.quick,
            expected=known.answers if known else None,
            exact=ours,
            floor_s=floor_s(self.dut.board, known.macs, ours=ours) if known else None,
        )

    @property
    def limits(self) -> Mapping[Metric, Limit]:
        """Of audits, of the task and of the board, by metric."""
        return limits_of(self.dut.board, self.task)

    @property
    def subject(self) -> Subject:
        """For the record."""
        board, data = self.dut.board, self.material.data
        return Subject(
            board=board.name,
            station=self.dut.station,
            core=board.core,
            emulated=board.emulated,
            task=self.task.name,
            link=f"{self.link}, {FAULTS_MARK}" if self.faults else self.link,
            division=self.material.division,
            data_set=data.kind,
            data_sha256=data.sha256,
            model_sha256=self.model_sha256,
            firmware_sha256=self.image.sha256 if self.image else None,
        )

    @property
    def facts(self) -> JobFacts:
        """For the run's description: a resumed run must be measured with the same."""
        emulator, image = self.dut.board.emulator, self.image
        board, task, labels = (hashlib.sha256(each).hexdigest() for each in self._kept)
        return JobFacts(
            subject=self.subject,
            kept=KeptSums(board=board, task=task, labels=labels),
            image=ImageSizes.of(image) if image else None,
            samples=len(self.samples),
            build_id=image.build_id if image else None,
            limits={str(metric): limit for metric, limit in self.limits.items()},
            instruction_s=emulator.instruction_s if emulator else None,
        )

    @property
    def contents(self) -> Iterator[bytes]:
        """What is kept with the run, so that it can be checked without anything else."""
        yield from self._kept
        yield self.material.data.sums
        if self.image:
            yield self.image.content
        if self.model_sha256:
            yield self.material.model_content(self.model_sha256)

    @property
    def _kept(self) -> tuple[bytes, bytes, bytes]:
        """See `KeptSums`."""
        facts = facts_of_board(self.dut.board), facts_of_task(self.task)
        return *facts, self.material.data.labels


@dataclass(frozen=True)
class Conversation:
    """A job and the synchronized session to do it in."""

    job: Job
    session: Session
    info: DeviceInfo
    tap: Tap
    proof: ProbeProof | None
    """None for a device without a debug probe."""
    notice: Callable[[str], None] = lambda _: None
    """Says something to the user at once."""
    raw: Path | None = None
    """The run's raw folder."""
    known: dict[str, Scores] = field(default_factory=dict)
    """Answers of the measures so far, by sample; see `always.remember`."""

    @property
    def guard(self) -> Guard:
        """Knows who the session is with."""
        guard = self.session.guard
        assert guard is not None, "the device has been identified"
        return guard

    def confirm(self) -> int:
        """See that the device that answers is still the one that was flashed.

        Returns:
            How often the board was reset for that.

        Raises:
            IdentityError: it is somebody else.
            LinkError, DeviceError: it does not say.
            BenchError: the probe failed.
        """
        self.guard.confirm(Deadline.after(_CONFIRM_S))
        if self.proof is None or (self.info.extension and self.proof.knows_token):
            return 0
        # By its answers it can't be told from another board with the same firmware.
        self.proof.of_silence(self.session)
        self.guard.prove()
        self.guard.on_proof()
        return 1

    def asking(self, link: str) -> AbstractContextManager[Queries]:
        """The best way to ask this device; frames take a link of this kind."""
        job = self.job
        return asking(
            self.session,
            self.info,
            job.dut,
            job.image,
            link,
            tap=self.tap,
            read_back=job.read_back,
        )
