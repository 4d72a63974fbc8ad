"""``tinyhil farm``: boards of other hosts."""
