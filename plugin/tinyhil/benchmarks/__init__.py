"""Benchmarks of tinyhil itself, each a make target; figures go to ``reports/bench``."""
