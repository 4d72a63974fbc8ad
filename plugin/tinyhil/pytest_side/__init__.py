"""The pytest plugin: options, fixtures, terminal and report hooks."""
