"""``make bench-cheats``: devices that cheat, and honest ones: who is objected to, and by what.

Each device is measured as a default run measures it, and another one of its kind is audited as
``-m audit`` does. A cheat must be caught by one of them each time, an honest device by none. Time
is played, but for the firmware that cheats on an emulated board, see `cheating_firmware`.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import islice, pairwise
from multiprocessing import Pool
from typing import Any

from rich.console import Console

from tinyhil.benchmarks import campaign_options, caught_by, cheating_firmware, write_figures
from tinyhil.benchmarks.caught import Caught, note, table_of
from tinyhil.catalog.rules import Rules
from tinyhil.catalog.task import load_tasks
from tinyhil.data.material import Sample
from tinyhil.device.info import DeviceInfo
from tinyhil.device.links.serial import SerialLink
from tinyhil.device.queries.text import TextQueries
from tinyhil.device.session import Session
from tinyhil.emulator.cheats import CHEATS, HONEST, SUBTLE, HonestDevice, model
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.progress import progress_bar
from tinyhil.measure.audit import Report, Setting
from tinyhil.measure.audit import Rules as AuditRules
from tinyhil.measure.draws import Draws
from tinyhil.measure.witness import Proof

RUNS = 20
"""Of each device."""
KINDS = {kind.__name__: kind for kind in (*HONEST, *CHEATS, *SUBTLE)}
"""Devices by name; some cheats are in both lists."""
TASK = load_tasks()["kws01"].model_copy(update={"classes": ("a", "b", "c")})
SAMPLES = tuple(
    Sample(f"s{number}.bin", number % 3, hashlib.shake_128(bytes([number])).digest(76))
    for number in range(200)
)
RULES = Rules(queries=600, single_stream_s=0.0)
AUDIT_RULES = AuditRules(clock_s=30.0)
_STEP_S = 60.0
_AT_ONCE = 2


def made(kind: type[HonestDevice], seed: int) -> HonestDevice:
    """A device of a kind, which knows the data set if it is of those that do."""
    data = [sample.data for sample in SAMPLES]
    following = dict(pairwise(data))
    learned: Mapping[str, Any] = {
        "known": frozenset(data),
        "classes": {sample.data: sample.label for sample in SAMPLES},
        "table": following if kind.__name__.startswith("Follows") else [*map(model, data)],
    }
    fields = kind.__dataclass_fields__
    return kind("kws01", seed=seed, **{name: learned[name] for name in learned if name in fields})


@contextmanager
def _asking(device: HonestDevice) -> Iterator[tuple[TextQueries, DeviceInfo]]:
    with device:
        link = SerialLink(device.port, 115200)
        session = Session(link)
        session.synchronize(Deadline.after(_STEP_S))
        info = session.identify(Deadline.after(_STEP_S))
        queries = TextQueries(session, read_back=0.05)
        queries.watch(None, device.world.now, alone=True)  # Played time knows no pipeline.
        yield queries, info
        link.close()


def default_run(kind: type[HonestDevice], seed: int) -> list[str]:
    """The measures in which a default run sees a cheat."""
    return [name for name, report in checked(made(kind, seed), seed).items() if report.objections]


def checked(
    device: HonestDevice,
    seed: int,
    names: Sequence[str] = ("accuracy", "latency", "throughput"),
    rules: Rules = RULES,
) -> dict[str, Report]:
    """What the measures of a run have against themselves, by name."""
    proofs = {name: Proof(TASK, Draws(seed, name), now=device.world.now) for name in names}
    with _asking(device) as (queries, info):
        return caught_by.checked(queries, info, (TASK, SAMPLES), rules, proofs)


def audited(kind: type[HonestDevice], seed: int, *, every: bool) -> list[str]:
    """The audits that object: all of them, or the first one."""
    device = made(kind, seed)

    def setting() -> Setting:
        return Setting(
            TASK,
            SAMPLES,
            all_windows=True,
            virtual=False,
            seed=seed,
            rules=AUDIT_RULES,
            progress=lambda *_: None,
        )

    with _asking(device) as (queries, _):
        found = caught_by.objections(queries, setting, None, device.world.now)
        return [name for name, _ in islice(found, None if every else 1)]


def tried(job: tuple[str, int]) -> tuple[str, list[str], list[str]]:
    """One run of a device by name."""
    name, seed = job
    kind = KINDS[name]
    return name, default_run(kind, seed), audited(kind, seed, every=kind in HONEST)


def campaign(seeds: Sequence[int], console: Console) -> list[Caught]:
    """All devices in software."""
    found = {
        name: Caught(name, (kind.__doc__ or "").split("\n")[0], kind not in HONEST)
        for name, kind in KINDS.items()
    }
    jobs = [(name, seed) for name in KINDS for seed in seeds]
    with Pool(_AT_ONCE) as pool, progress_bar(console, "devices") as bar:
        for done, (name, default, audits) in enumerate(pool.imap(tried, jobs), start=1):
            note(found[name], default, audits)
            bar(done, len(jobs))
    return list(found.values())


def main(arguments: Sequence[str] | None = None) -> int:
    """Try all, print a table; 1 if a cheat was not caught, or an honest device was."""
    options = campaign_options(__doc__, arguments, prog="make bench-cheats")
    console, started = Console(width=140), time.monotonic()
    seeds = range(options.seed, options.seed + max(1, round(options.share * RUNS)))
    found = campaign(seeds, console)
    found += cheating_firmware.campaign(seeds, console)
    console.print(table_of(found))
    path = write_figures(
        "cheats",
        [
            {"device": one.name, "what": one.what, "cheats": one.cheats, "runs": one.runs,
             "caught_by_default_run": one.default, "caught_by_audits": one.audits, "by": one.by}
            for one in found
        ],
    )  # fmt: skip
    console.print(f"{time.monotonic() - started:.0f} s; figures: {path}", soft_wrap=True)
    return 0 if all(one.right for one in found) else 1


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        raise SystemExit(main())
