"""From a model to the bytes that go onto a board: compiler, firmware build, ELF files."""
