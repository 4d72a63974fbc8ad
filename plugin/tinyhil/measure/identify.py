"""Sees that the device which answers is the one that holds the job's image."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tinyhil.device.info import DeviceInfo
from tinyhil.device.proof import WIRING_HINT, ProbeProof
from tinyhil.device.queries.opening import Tap
from tinyhil.device.session import Session
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import DeviceError, IdentityError, TinyhilError
from tinyhil.ground.text import printable
from tinyhil.measure.job import Conversation, Job
from tinyhil.measure.ladder import Ladder

_IDENTIFY_S = 15.0


def converse(
    session: Session, job: Job, ladder: Ladder, tap: Tap, notice: Callable[[str], None], raw: Path
) -> Conversation:
    """Begin to talk to the device, once it is seen who that is.

    Args:
        session: synchronized.
        job: what is to be measured.
        ladder: brings the board back when it fails.
        tap: wraps the links that are opened on the way.
        notice: says something to the user at once.
        raw: the run's raw folder.

    Raises:
        DeviceError, IdentityError, LinkError: see `identify`; nothing has helped.
    """
    proof = ProbeProof(job.dut, job.image) if job.dut.proven and job.image else None
    while True:
        try:
            info = identify(session, job, proof)
        except TinyhilError as error:
            if not ladder.recover(error):
                raise
        else:
            return Conversation(job, session, info, tap, proof, notice, raw)


def identify(session: Session, job: Job, proof: ProbeProof | None) -> DeviceInfo:
    """Ask the device who it is, and refuse one that runs something else than the job's image.

    Args:
        session: synchronized.
        job: whose image must run.
        proof: ties the port to the board's debug probe, if it has one.

    Raises:
        DeviceError: its profile names another task, or it holds another model.
        IdentityError: it runs another build, or the port leads to another board than the probe.
        LinkError: see `Session`.
    """
    info = session.identify(Deadline.after(_IDENTIFY_S))
    if info.task != job.task.name:
        raise DeviceError(
            f"the firmware's profile names the model '{printable(info.task)}', the task is "
            f"'{job.task.name}'",
            hint="flash the firmware of this task, or choose its task",
        )
    held = info.extension
    if held and job.model_sha256 and held.model_sha256 != job.model_sha256:
        raise DeviceError(
            f"the device holds the model {printable(held.model_sha256[:16])}…, the image has "
            f"{job.model_sha256[:16]}…",
            hint="the board did not take the image; reset it and flash again",
        )
    build_id = job.image.build_id if job.image else None
    if held and build_id and held.build_id != build_id:
        raise IdentityError(
            f"the device runs the build {printable(held.build_id[:12])}…, but flashed was "
            f"{build_id[:12]}…: the port leads to another board than the probe, or "
            "somebody else has flashed this one",
            hint=WIRING_HINT,
        )
    if proof is not None:
        if info.extension is None or not proof.knows_token:
            proof.of_silence(session)
            info = session.identify(Deadline.after(_IDENTIFY_S))
        assert session.guard is not None, "the device has been identified"
        session.guard.prove_by(proof)
    return info
