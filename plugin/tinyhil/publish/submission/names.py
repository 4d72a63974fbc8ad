"""Words that every submission has."""

from __future__ import annotations

DIVISIONS = ("closed", "open")

STATUSES = ("Available", "Preview", "RDI")
"""The categories, as a system's description spells them."""

REHEARSAL = "REHEARSAL"
"""In the name of a system's folder: its tree is not a submission."""
