"""The gate: is a firmware any worse than a baseline?

`reading` turns run folders into `figures`, which are what a baseline file holds; `compare` judges
them one by one; `command` and `pytest_gate` are the two ways in.
"""
