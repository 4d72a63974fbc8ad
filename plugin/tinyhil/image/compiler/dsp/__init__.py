"""Lowerings to the kernels whose weights are in pairs, for cores with Armv7E-M's instructions.

Each takes the operator that is checked already, and returns None where it has no proof that the
kernel is exact: then the general kernel does the operator.
"""
