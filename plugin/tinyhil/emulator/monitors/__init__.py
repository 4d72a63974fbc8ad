"""Stand-ins of power monitors: each speaks its instrument's protocol byte for byte, behind a pty.

What they measure is a `timeline`: of a formula, or of an emulated board while it runs. They break
on demand, see `instrument.Faults`.
"""
