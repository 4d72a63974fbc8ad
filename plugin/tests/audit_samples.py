"""Samples for tests of audits: random bytes by a seed."""

from __future__ import annotations

from random import Random

from tinyhil.data.material import Sample


def samples(count: int, size: int) -> tuple[Sample, ...]:
    """So many samples of so many bytes, no two alike."""
    random = Random(count)  # noqa: S311 - made-up data
    return tuple(
        Sample(f"s{number}.bin", number % 3, random.randbytes(size)) for number in range(count)
    )
