"""Energy of an inference: from a power monitor's samples and the edges of the device's pin.

All of it is pure but `recording`, which takes samples to disk as they come.
"""
