"""``tinyhil doctor --board``: each step between this machine and a board, tried on the hardware."""
