"""The official data sets and models: what they are, whether a folder holds them, how to get them.

The sums of all files are pinned in ``suites/pins/``, and where they come from is in
``suites/pins/sources.toml``; the files themselves are never shipped.
"""
