"""Feeds damaged sessions to the host's readers of lines and frames; see `fuzzing` for what is
demanded of them.

As a program: ``python -m tests.fuzz_protocol`` in ``plugin``; exit code 1 if an input breaks a
reader. The input and what makes it again are printed then.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from typing import Final

from rich.console import Console

from tinyhil.ground.progress import progress_bar

from .fuzzing import Target, frames, pipeline, text

TARGETS: Final = (text.TARGET, frames.TARGET, pipeline.TARGET)


@dataclass(frozen=True)
class Batch:
    """Inputs that one process tries."""

    target: int
    """Index into `TARGETS`."""
    number: int
    count: int
    seed: int


@dataclass(frozen=True)
class Tally:
    """What came of a batch."""

    inputs: int
    bytes: int
    believed: int
    """Lines and frames that were taken for messages."""
    failure: str | None = None


def run(batch: Batch) -> Tally:
    """Try a batch, up to the first input that breaks the reader."""
    target = TARGETS[batch.target]
    random = Random(f"{batch.seed} {target.name} {batch.number}")  # noqa: S311
    size = believed = 0
    for index in range(batch.count):
        data = target.make(random)
        size += len(data)
        try:
            believed += target.check(data, random)
        except Exception:
            return Tally(index, size, believed, _report(batch, target, index, data))
    try:
        target.flood()
    except Exception:
        return Tally(batch.count, size, believed, _report(batch, target, batch.count, b""))
    return Tally(batch.count, size, believed)


def _report(batch: Batch, target: Target, index: int, data: bytes) -> str:
    return (
        f"{traceback.format_exc()}\n"
        f"target {target.name}, batch {batch.number}, input {index}: {data!r}\n"
        f"again: python -m tests.fuzz_protocol --target {target.name} --seed {batch.seed} "
        f"--batch {batch.number}"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Fuzz on all cores; 1 if something broke."""
    parser = argparse.ArgumentParser(prog="make fuzz-protocol", description=__doc__)
    names = [target.name for target in TARGETS]
    parser.add_argument("--inputs", type=int, default=5_000_000, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    parser.add_argument("--target", choices=names, help="default: all of them")
    parser.add_argument("--batch", type=int, help="this one alone, to see a failure again")
    options = parser.parse_args(arguments)
    chosen = [n for n, name in enumerate(names) if options.target in (None, name)]
    a_round = sum(TARGETS[target].batch for target in chosen)
    rounds = range(-(-options.inputs // a_round)) if options.batch is None else [options.batch]
    return _fuzz(
        [
            Batch(target, number, TARGETS[target].batch, options.seed)
            for number in rounds
            for target in chosen
        ]
    )


def _fuzz(batches: Sequence[Batch]) -> int:
    started, whole = time.monotonic(), Tally(0, 0, 0)
    with progress_bar(Console(stderr=True), "fuzz") as progress, _pool() as pool:
        for done in as_completed([pool.submit(run, batch) for batch in batches]):
            tally = done.result()
            whole = Tally(
                whole.inputs + tally.inputs,
                whole.bytes + tally.bytes,
                whole.believed + tally.believed,
                tally.failure,
            )
            progress(whole.inputs, sum(batch.count for batch in batches))
            if whole.failure:
                break
    seconds = time.monotonic() - started
    sys.stdout.write(
        f"{whole.inputs} inputs, {whole.bytes / 1e6:.0f} MB, {whole.believed} messages believed, "
        f"{seconds:.0f} s, {whole.inputs / seconds:.0f} inputs/s\n{whole.failure or ''}\n"
    )
    return 1 if whole.failure else 0


@contextmanager
def _pool() -> Iterator[ProcessPoolExecutor]:
    """A process for each core; on every way out, only what they are at is waited for."""
    spawning = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(os.cpu_count(), spawning, _live_with_parent)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _live_with_parent() -> None:
    """Leave Ctrl-C to the parent, and end with it, even if it is killed by force."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        parent = multiprocessing.parent_process()
        assert parent is not None
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    raise SystemExit(main())
