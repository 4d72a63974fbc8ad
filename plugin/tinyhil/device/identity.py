"""Who answers: asked at the start, and again whenever it could be somebody else.

Another firmware may have been flashed, the device may have restarted, or the port may lead to
another board since the last answer. What identifies ours is its build id, and a token that the
host gives and a reset clears; any other firmware has only its name and profile, and its memory,
which is compared with the image.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Protocol, TypeVar

from tinyhil.device import protocol
from tinyhil.device.inference import ATTEMPTS
from tinyhil.device.info import DeviceInfo, Extension, Identity
from tinyhil.device.protocol import Reply, frames
from tinyhil.device.running import running_of, text_of, value_of
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import DeviceError, IdentityError, LinkError
from tinyhil.ground.text import printable

Answer = TypeVar("Answer")

_VERSION = 4
"""Of the `hil` commands."""

_FOREIGN = tuple(
    f"'Unknown command: hil{subcommand}'" for subcommand in ("", " info", " id", " token")
)
"""How a firmware without our extension answers; nothing else may make us take ours for one."""

_NO_TOKEN = "0" * 16
"""Of a device that has restarted."""

_NOT_OURS = "a firmware without tinyhil's own commands"
_HINT = (
    "somebody else has flashed or rewired this board: see who uses it, then measure again; "
    "nothing that was measured since the last check is kept"
)


class Asks(Protocol):
    """What is needed of a session."""

    def ask(self, command: str, deadline: Deadline) -> Reply:
        """Send a command and gather its answer."""
        ...

    def again(self, ask: Callable[[Deadline], Answer], deadline: Deadline) -> Answer:
        """Ask for something short, and once more where the wire got in the way."""
        ...


class Proof(Protocol):
    """Ties what answers at the port to what the debug probe sees.

    Every method raises:
        IdentityError: it is another board, or it holds something else.
        BenchError: the probe failed.
    """

    @property
    def knows_token(self) -> bool:
        """Whether the image tells where its firmware keeps a token."""
        ...

    def of_token(self, token: str) -> None:
        """The board at the probe holds the token that was sent over the port."""
        ...

    def of_image(self) -> None:
        """The board at the probe still holds the image."""
        ...


def read_info(session: Asks, deadline: Deadline) -> DeviceInfo:
    """Ask the device who it is; a firmware without our extension is found by its error."""
    vendor, profile, task = _official(session, deadline)
    return DeviceInfo(vendor, profile, task, _extension(session, deadline))


class Guard:
    """Knows who a session is with, and finds out when it is somebody else.

    Args:
        session: with the device.
        info: what it said about itself.
    """

    def __init__(self, session: Asks, info: DeviceInfo) -> None:
        self.on_proof: Callable[[], None] = lambda: None
        """Called each time it is certain that all answers so far are from the same firmware."""
        self.restarts = 0
        """How often the same firmware has restarted."""
        self.identity: Identity | None = None
        """What ours must say; None for any other firmware."""
        self._session = session
        self._official = (info.vendor, info.profile, info.task)
        self._build_id = info.extension.build_id if info.extension else None
        self._proof: Proof | None = None
        self._booted = self._expects_boot = False

    def begin(self, deadline: Deadline) -> None:
        """Give the device a token, if it takes one.

        Raises:
            LinkError, DeviceError, IdentityError: it does not take it.
        """
        self._booted = False
        if self._build_id is None:
            return
        token = secrets.token_hex(8)
        # Known before it is given: the answer to it may be what gets lost.
        self.identity = Identity(self._build_id, token)

        def give(deadline: Deadline) -> None:
            reply = self._session.ask(f"hil token {token}%", deadline)
            told = text_of(reply, "token")
            reply.end()
            if told != token:
                raise LinkError(
                    f"the device was given the token {token}, but has {printable(told)}",
                    hint="the wire changes bytes; check the cable",
                )

        self._session.again(give, deadline)

    def prove_by(self, proof: Proof | None) -> None:
        """Tie the port to the probe, now and after each restart.

        Raises:
            IdentityError, BenchError: see `Proof`.
        """
        self._proof = proof
        self.prove()

    def saw_boot(self) -> None:
        """The device has printed what it prints when it starts."""
        self._booted = not self._expects_boot

    def expect_boot(self) -> None:
        """The device is about to be reset on purpose."""
        self._expects_boot = True

    def confirm(self, deadline: Deadline) -> None:
        """See that it is the same firmware on the same board as before; a restart is counted.

        Raises:
            IdentityError: it is not.
            LinkError, DeviceError: it does not say.
        """
        if self._build_id is None:
            self._confirm_official(deadline)
            return
        known = self.identity
        told = self._told(self._ask_identity, known, deadline)
        assert known is not None, "the session has begun"
        if told is None or told.build_id != known.build_id:
            raise _other(
                f"build {printable(told.build_id[:12])}…" if told else _NOT_OURS,
                f"build {known.build_id[:12]}…",
            )
        if told.token not in (known.token, _NO_TOKEN):
            raise IdentityError(
                "another session has claimed this board, or the port now leads to another board",
                hint=_HINT,
            )
        if told != known:
            self.restarts += 1
            self.begin(deadline)
            self.prove()
        self.on_proof()

    def prove(self) -> None:
        """See that the board at the probe is the one that answers, as far as its firmware can
        show that, or that it holds what was flashed.

        Raises:
            IdentityError, BenchError: see `Proof`.
        """
        if self._proof is None:
            return
        if self.identity is not None and self._proof.knows_token:
            self._proof.of_token(self.identity.token)
        else:
            self._proof.of_image()

    def _confirm_official(self, deadline: Deadline) -> None:
        told = self._told(lambda left: _official(self._session, left), self._official, deadline)
        self._expects_boot = False
        if told != self._official:
            raise _other(*(" / ".join(map(printable, who)) for who in (told, self._official)))
        if self._booted:
            self._booted = False
            self.restarts += 1
            self.prove()

    def _ask_identity(self, deadline: Deadline) -> Identity | None:
        try:
            reply = self._session.ask("hil id%", deadline)
        except DeviceError as error:
            if error.message.endswith(_FOREIGN):
                return None
            raise
        identity = Identity(text_of(reply, "build-id"), text_of(reply, "token"))
        reply.end()
        return identity

    def _told(
        self, ask: Callable[[Deadline], Answer], wanted: Answer, deadline: Deadline
    ) -> Answer:
        """What the device says; asked again until it is the wanted answer, or twice the same: text
        has no checksum, so one other answer proves nothing."""
        told = self._session.again(ask, deadline)
        for _ in range(ATTEMPTS):
            before, told = told, told if told == wanted else self._session.again(ask, deadline)
            if told in (wanted, before):
                return told
        raise _unequal("who the device is")


def _other(told: str, known: str) -> IdentityError:
    return IdentityError(
        f"the firmware that answers is not the one under measurement: {told}, it was {known}",
        hint=_HINT,
    )


def _official(session: Asks, deadline: Deadline) -> tuple[str, str, str]:
    """Vendor, profile and task, which every firmware reports."""
    reply = session.ask("name%", deadline)
    name = reply.take(protocol.Name)
    reply.end()
    reply = session.ask("profile%", deadline)
    profile = reply.take(protocol.Profile)
    model = reply.take(protocol.ModelName)
    reply.end()
    return name.vendor, profile.text, model.task


def _extension(session: Asks, deadline: Deadline) -> Extension | None:
    """What the extension reports, asked twice: text has no checksum; None for other firmware."""
    first = _ask_extension(session, deadline)
    if isinstance(first, str) and first.endswith(_FOREIGN):
        return None
    again = _ask_extension(session, deadline)
    if again != first:
        raise _unequal("what the firmware says about itself")
    # In other words, but twice the same ones: no fault of the wire makes ours answer so.
    return None if isinstance(first, str) else first


def _ask_extension(session: Asks, deadline: Deadline) -> Extension | str:
    """What the extension reports, or how the firmware says that it has none."""
    try:
        reply = session.ask("hil info%", deadline)
    except DeviceError as error:
        return error.message
    if reply.empty:
        return "nothing"
    for name, known in (("version", _VERSION), ("frames", frames.VERSION)):
        version = value_of(reply, name)
        if version != known:
            raise DeviceError(
                f"the firmware's extension has the {name} {version}, this host knows {known}",
                hint="build the firmware with this version of tinyhil",
            )
    extension = Extension(
        tick_hz=value_of(reply, "tick-hz"),
        lap_capacity=value_of(reply, "lap-capacity"),
        arena_bytes=value_of(reply, "arena-bytes"),
        received_lost=value_of(reply, "received-lost"),
        model_sha256=text_of(reply, "model-sha256"),
        build_id=text_of(reply, "build-id"),
        running=running_of(reply),
    )
    reply.end()
    core_hz = extension.running.core_hz if extension.running else 1
    if 0 in (extension.tick_hz, extension.lap_capacity, core_hz):
        raise DeviceError(
            "the device says that its core or its timer does not run, or that it measures no times",
            hint="check port_tick_hz and port_facts in the firmware's port",
        )
    return extension


def _unequal(what: str) -> LinkError:
    return LinkError(
        f"{what} was read twice and differs", hint="the wire changes bytes; check the cable"
    )
