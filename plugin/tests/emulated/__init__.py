"""Tests of emulated boards, their virtual probe, and flashing."""
