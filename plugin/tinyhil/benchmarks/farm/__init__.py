"""A farm on one machine: hosts that are namespaces, with all that a real one has on them.

`tools` gets its programs, `hosts` makes the hosts, `parts` what runs on them, `jobs` runs pytest.
"""
