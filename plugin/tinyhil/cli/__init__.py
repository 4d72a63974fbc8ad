"""The command `tinyhil`."""
