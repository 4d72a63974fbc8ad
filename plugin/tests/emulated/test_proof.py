"""Port and probe must lead to one board, which must hold the image: on two emulated boards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace

import pytest

from tinyhil.catalog.bench import stations
from tinyhil.catalog.board import Board
from tinyhil.device.dut import Dut, attached
from tinyhil.device.links.serial import open_link
from tinyhil.device.proof import ProbeProof
from tinyhil.device.session import Session
from tinyhil.flash import flash, reset
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import IdentityError
from tinyhil.image.build import Firmware


@pytest.fixture(scope="module")
def twins(mps2: Board, stand_in_firmware: Firmware) -> Iterator[tuple[Dut, Dut]]:
    """Two boards of one type, with the same firmware."""
    with ExitStack() as stack:
        station = stations({mps2.name: mps2}, None)[mps2.name]
        pair = stack.enter_context(attached(station)), stack.enter_context(attached(station))
        for dut in pair:
            flash(stand_in_firmware.image, dut.board, dut.probe_uid, Deadline.after(60))
        yield pair


def crossed(twins: tuple[Dut, Dut]) -> Dut:
    """The probe of one, the port of the other, which no lock keeps apart here."""
    return replace(twins[0], serial_url=twins[1].serial_url, claim=None)


@contextmanager
def session_with(dut: Dut) -> Iterator[Session]:
    link = open_link(dut)
    session = Session(link)
    session.synchronize(Deadline.after(20))
    yield session
    link.close()


def test_a_token_sent_over_the_port_is_read_through_the_probe(
    twins: tuple[Dut, Dut], stand_in_firmware: Firmware
) -> None:
    for dut, fits in ((twins[0], True), (crossed(twins), False)):
        with session_with(dut) as session:
            session.identify(Deadline.after(20))
            assert session.guard
            proof = ProbeProof(dut, stand_in_firmware.image)
            if fits:
                session.guard.prove_by(proof)
            else:
                with pytest.raises(IdentityError, match="do not lead to the same board"):
                    session.guard.prove_by(proof)


def test_a_firmware_without_a_token_falls_silent_with_its_core(
    twins: tuple[Dut, Dut], stand_in_firmware: Firmware
) -> None:
    image = replace(stand_in_firmware.image, symbols={})
    with session_with(twins[0]) as session:
        proof = ProbeProof(twins[0], image)
        assert not proof.knows_token
        proof.of_silence(session)
        assert session.identify(Deadline.after(20)).vendor == "tinyhil"
    dut = crossed(twins)
    with (
        session_with(dut) as session,
        pytest.raises(IdentityError, match="still answers while the board is halted"),
    ):
        ProbeProof(dut, image).of_silence(session)


def test_a_restart_on_another_board_is_not_believed(
    twins: tuple[Dut, Dut], stand_in_firmware: Firmware
) -> None:
    """The plug is put into the twin, which has just booted: the same build, without a token."""
    with session_with(twins[0]) as session:
        session.identify(Deadline.after(20))
        assert session.guard
        session.guard.prove_by(ProbeProof(twins[0], stand_in_firmware.image))
        session.link.close()
        reset(twins[1].board, twins[1].probe_uid, Deadline.after(20))
        session.reopen(open_link(twins[1]))
        with pytest.raises(IdentityError, match="do not lead to the same board"):
            session.synchronize(Deadline.after(20))


def test_memory_that_is_not_the_image_any_more_is_told_by_its_address(
    twins: tuple[Dut, Dut], stand_in_firmware: Firmware
) -> None:
    dut, (first, *rest) = twins[0], stand_in_firmware.image.segments
    proof = ProbeProof(dut, stand_in_firmware.image)
    proof.of_image()
    at = first.size - 5
    data = first.data[:at] + bytes([first.data[at] ^ 1]) + first.data[at + 1 :]
    other = replace(stand_in_firmware.image, segments=(replace(first, data=data), *rest))
    flash(other, dut.board, dut.probe_uid, Deadline.after(60))
    with pytest.raises(IdentityError, match=f"first difference at {first.address + at:#010x}"):
        proof.of_image()
