"""``make faults``, for firmware of the field: each way of writing, over a wire that breaks.

Each device of the zoo is asked over a clean link first, accuracy and audits, and must give exactly
what its model computes and no objection. Then a few samples are inferred over a link that damages
bytes by a seed: a run must end with exactly those scores, or with an error of ours.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial

from rich.console import Console

from tinyhil.benchmarks import campaign_options, write_figures
from tinyhil.benchmarks.faults import (
    Answers,
    Campaign,
    Outcome,
    Target,
    attempt,
    figure,
    samples,
    table_of,
)
from tinyhil.catalog.task import load_tasks
from tinyhil.data.material import Sample
from tinyhil.device.faults import WIRE_KINDS, Spec
from tinyhil.device.links.serial import SerialLink
from tinyhil.device.queries.text import TextQueries
from tinyhil.device.session import Session
from tinyhil.emulator.cheats import HonestDevice
from tinyhil.emulator.foreign import ZOO, ForeignDevice, Manner
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.progress import progress_bar
from tinyhil.measure.audit import AUDITS, Asker, Rules, Setting
from tinyhil.measure.audit.report import Objection
from tinyhil.record.rows import Row

RUNS = 12
"""With faults, of each way of writing."""
_BAUD = 115_200
_EVERY = 5000
_SAMPLES = 6
_AUDITED = 60
_AT_ONCE = 6


def model(data: bytes) -> Sequence[float]:
    """Twelve scores of the sum 1 that any byte of the input changes."""
    numbers = [1 + value for value in hashlib.sha256(data).digest()[:12]]
    return [number / sum(numbers) for number in numbers]


@contextmanager
def opened(device: ForeignDevice) -> Iterator[SerialLink]:
    """The link to a device, which runs until the block ends."""
    with device:
        link = SerialLink(device.port, _BAUD)
        try:
            yield link
        finally:
            link.close()


def campaign(manner: Manner, every: int = _EVERY) -> Campaign:
    """Runs with one way of writing."""
    return Campaign(manner.name, "text", "serial", RUNS, every, WIRE_KINDS, samples=_SAMPLES)


def run(manner: Manner, seed: int) -> Outcome:
    """One run with faults."""
    clean = Answers(tuple(manner.read(model(one.data)) for one in samples(_SAMPLES)))
    kind = campaign(manner)
    spec = Spec(seed=seed, every=kind.every, kinds=kind.kinds, hold_ms=100)
    with opened(ForeignDevice("kws01", model, manner=manner)) as link:
        return attempt(kind, Target(link, None, None, link.close), spec, clean)


def objections(manner: Manner, audit: str, rules: Rules) -> tuple[Objection, ...]:
    """What an audit has against an honest device that writes so; time is played."""
    task = load_tasks()["kws01"].model_copy(update={"classes": tuple("abc")})
    size = task.input.bytes
    known = tuple(
        Sample(f"s{n}.bin", n % 3, hashlib.shake_128(bytes([n])).digest(size))
        for n in range(_AUDITED)
    )
    setting = Setting(
        task, known, all_windows=True, virtual=False, seed=1, rules=rules, progress=lambda *_: None
    )
    device = HonestDevice("kws01", manner=manner, seed=1)
    rows: list[Row] = []
    with opened(device) as link:
        session = Session(link)
        session.synchronize(Deadline.after(10))
        asker = Asker(TextQueries(session), None, rows.append, device.world.now)
        AUDITS[audit].ask(asker, setting)
    return AUDITS[audit].report(rows).objections


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all, print how they ended; 1 if a figure was wrong, or an audit objected."""
    options = campaign_options(__doc__, arguments)
    console = Console(width=120)
    figures, bad = [], 0
    seeds = range(options.seed, options.seed + max(1, round(options.share * RUNS)))
    with ThreadPoolExecutor(_AT_ONCE) as pool, progress_bar(console, "ways of writing") as bar:
        for number, manner in enumerate(ZOO, start=1):
            outcomes = list(pool.map(partial(run, manner), seeds))
            figures.append(figure(campaign(manner), outcomes))
            for seed, outcome in zip(seeds, outcomes, strict=True):
                if outcome.verdict not in ("equal", "error"):
                    bad += 1
                    console.print(f"{manner.name}, seed {seed}: {outcome}", markup=False)
            audited = pool.map(lambda name: objections(manner, name, Rules(clock_s=20.0)), AUDITS)  # noqa: B023
            for name, found in zip(AUDITS, audited, strict=True):
                bad += bool(found)
                for one in found:
                    console.print(f"{manner.name}, audit {name}: {one.seen}", markup=False)
            bar(number, len(ZOO))
    console.print(table_of(figures))
    path = write_figures("foreign", figures)
    console.print(f"figures: {path}", soft_wrap=True)
    return 1 if bad else 0


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        raise SystemExit(main())
