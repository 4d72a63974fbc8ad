"""Devices in software that speak only the official text protocol, as firmware in the field does.

They take the place of other people's firmware, which is not available here: one sits behind a real
pty, answers byte for byte as the protocol has it, in one of the manners that public session logs
show, keeps a clock of its own, and breaks on demand.
"""

from tinyhil.emulator.foreign.device import Fault, ForeignDevice, Kind
from tinyhil.emulator.foreign.manner import OFFICIAL, Manner
from tinyhil.emulator.foreign.paced import PacedDevice
from tinyhil.emulator.foreign.zoo import ZOO

__all__ = ["OFFICIAL", "ZOO", "Fault", "ForeignDevice", "Kind", "Manner", "PacedDevice"]
