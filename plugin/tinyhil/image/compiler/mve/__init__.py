"""Lowerings to kernels of their own for cores with Helium.

Each takes the operator that is checked already, and returns None where its kernel does not fit:
then the general kernel does the operator.
"""
