"""Words that every submission has."""

from __future__ import annotations

DIVISIONS = ("closed", "open")

STATUSES = ("Available", "Preview", "RDI")
"""The categories, as a system's description spells them."""

REHEARSAL = "REHEARSAL"
"""In the name of a system's folder: its tree is not a submission."""

CODE_MISSING = "Put here the sources of the firmware and how to build it."
"""In the file that an export leaves where the code belongs."""

HOOKUP_MISSING = "not told: how the monitor is connected to the board"
"""In a description of the energy measurement that needs its author's words."""
