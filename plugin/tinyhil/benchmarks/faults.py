"""``make faults``: thousands of faults on purpose, and what happens to the figures.

Each run infers a few samples over a link that breaks by a seed, and must end in one of two ways:
with exactly the scores and times of a clean run, or with an error of ours that names a fault,
within its deadline, while the answers before it are right and kept. Text is tried with reading
back, and again without it and with changed bytes only, to show what text alone can't see.

The serial link ends at a replayed device, which is our firmware's core as a process, so that
thousands of runs take minutes; the debug probe's link at an emulated board.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

import numpy as np
from rich.console import Console
from rich.table import Table

from tinyhil import flash
from tinyhil.benchmarks import BUILD, campaign_options, write_figures
from tinyhil.catalog.bench import stations
from tinyhil.catalog.board import load_boards
from tinyhil.catalog.task import Window, load_tasks
from tinyhil.data import material as data
from tinyhil.device.dut import attached
from tinyhil.device.faults import WIRE_KINDS, Injector, Kind, Spec
from tinyhil.device.links import Link, open_frames
from tinyhil.device.links.serial import SerialLink
from tinyhil.device.queries import Queries
from tinyhil.device.queries.framed import FramedQueries
from tinyhil.device.queries.text import TextQueries
from tinyhil.device.session import Session
from tinyhil.emulator.native import NativeDevice, NativeFacts
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import TinyhilError
from tinyhil.ground.progress import progress_bar
from tinyhil.image import build as firmware
from tinyhil.image.elf import Image

_TASK = "kws01"
_SAMPLES, _LAPS = 24, 5
_BAUD = 115_200
_PATIENCE_S = 2.0
_LATEST_S = 60.0
"""A run without progress for so long hangs: every deadline in it is far shorter."""
_AT_ONCE = 12
_COLUMNS = 110


@dataclass(frozen=True)
class Campaign:
    """Runs of one kind."""

    name: str
    protocol: str
    link: str
    runs: int
    every: int
    """Mean bytes between two faults of a direction."""
    kinds: tuple[Kind, ...]
    read_back: float = 1.0
    expects_wrong: bool = False
    """Whether it is meant to show wrong figures."""
    samples: int = _SAMPLES
    """Inferred in each run."""


CAMPAIGNS = (
    Campaign("frames, serial", "frames", "serial", 220, 1200, WIRE_KINDS),
    Campaign("frames, serial, connection", "frames", "serial", 120, 4000,
             ("drop", "flip", "reset", "death", "disconnect")),
    Campaign("frames, rtt", "frames", "rtt", 90, 1200, WIRE_KINDS),
    Campaign("frames, rtt, connection", "frames", "rtt", 20, 6000, ("flip", "death", "disconnect")),
    Campaign("text, serial", "text", "serial", 200, 5000, WIRE_KINDS),
    Campaign("text, serial, connection", "text", "serial", 60, 15000,
             ("drop", "flip", "reset", "death", "disconnect")),
    Campaign("text, serial, changed bytes, not read back", "text", "serial", 60, 5000, ("flip",),
             read_back=0.0, expects_wrong=True),
)  # fmt: skip


@dataclass(frozen=True)
class Answers:
    """What a run gave: as far as it came."""

    scores: tuple[tuple[float, ...], ...]
    laps: tuple[int, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """How one run ended."""

    verdict: str
    """``equal``, ``error``, ``wrong``, ``lost``, ``hang`` or ``crash``."""
    text: str
    faults: Counter[str]
    healed: int


@dataclass
class Target:
    """A device to break."""

    link: Link
    frames: Callable[[], Link] | None
    """Opens the link for frames, where they have one of their own."""
    reset: Callable[[], None] | None
    kill: Callable[[], None]


def samples(count: int = _SAMPLES) -> tuple[Window, ...]:
    """The inputs of every run."""
    rng = np.random.default_rng(7)
    size = load_tasks()[_TASK].input.bytes
    return tuple(Window(rng.bytes(size), 0) for _ in range(count))


def infer(campaign: Campaign, queries: Queries, given: list[tuple[float, ...]]) -> Answers:
    """Every sample, then, by frames, a few timed inferences of the first one."""
    for inference in queries.each(samples(campaign.samples)):
        given.append(inference.scores)
    if campaign.protocol == "text":
        return Answers(tuple(given))
    queries.load(samples()[0].data)
    laps = queries.infer(_LAPS, 0, expected_s=0.1, laps=True).laps
    return Answers(tuple(given), laps)


@contextmanager
def asking(campaign: Campaign, target: Target) -> Iterator[Queries]:
    """A conversation from its start, with short time limits."""
    session = Session(target.link)
    session.synchronize(Deadline.after(_PATIENCE_S))
    if campaign.protocol == "text":
        yield TextQueries(
            session, read_back=campaign.read_back, baud=_BAUD, answer_s=0.5, first_s=2.0
        )
        return
    info = session.identify(Deadline.after(_PATIENCE_S))
    opener = target.frames
    with FramedQueries(session, info, opener, patience_s=_PATIENCE_S, first_s=5.0) as queries:
        yield queries


def attempt(campaign: Campaign, target: Target, spec: Spec, clean: Answers) -> Outcome:
    """One run with faults, compared with the clean one."""
    injector = Injector(spec, {"reset": target.reset, "death": target.kill})
    bulk = target.frames
    broken = replace(
        target,
        link=target.link if bulk else injector.through(target.link),
        frames=(lambda: injector.through(bulk())) if bulk else None,
    )
    given: list[tuple[float, ...]] = []
    ended: list[tuple[str, str]] = []
    healed: Counter[str] = Counter()

    def work() -> None:
        try:
            with asking(campaign, broken) as queries:
                answers = infer(campaign, queries, given)
                healed.update(queries.healed)
            ended.append(("equal" if answers == clean else "wrong", ""))
        except TinyhilError as error:
            ended.append(("error" if error.message and error.hint else "crash", str(error)))
        except Exception as error:
            ended.append(("crash", repr(error)))

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    progress = -1
    while thread.is_alive() and progress < len(given):
        progress = len(given)
        thread.join(_LATEST_S)
    verdict, text = ended[0] if ended else ("hang", f"no progress in {_LATEST_S:g} s")
    if verdict == "error" and tuple(given) != clean.scores[: len(given)]:
        verdict = "lost"
    return Outcome(verdict, text, Counter(fault.kind for fault in injector.faults), healed.total())


@contextmanager
def replayed() -> Iterator[Target]:
    """A replayed device behind a serial port."""
    facts = NativeFacts(load_tasks()[_TASK], baud=_BAUD, infer_us=2000, paced=False, wait=False)
    with NativeDevice(facts, BUILD / "native") as device:
        link = SerialLink(device.port, _BAUD)
        try:
            yield Target(link, None, device.reset, device.kill)
        finally:
            link.close()


@contextmanager
def emulated(image: Image) -> Iterator[Target]:
    """An emulated board: commands over its serial port, frames through its probe."""
    board = load_boards()["mps2-an386"]
    with attached(stations({board.name: board}, None)[board.name]) as dut:
        flash.flash(image, board, dut.probe_uid, Deadline.after(60))
        link = SerialLink(dut.serial_url, dut.baud)
        opened: list[Link] = []

        def open_link() -> Link:
            probe = open_frames("rtt", dut, image)
            assert probe is not None
            opened.append(probe)
            return probe

        assert dut.power_off is not None
        try:
            yield Target(link, open_link, None, dut.power_off)
        finally:
            link.close()
            for probe in opened:
                probe.close()


def _run(campaign: Campaign, image: Image, clean: Answers, seed: int) -> Outcome:
    spec = Spec(seed=seed, every=campaign.every, kinds=campaign.kinds, hold_ms=100)
    with replayed() if campaign.link == "serial" else emulated(image) as target:
        return attempt(campaign, target, spec, clean)


def _clean(campaign: Campaign, image: Image) -> Answers:
    started = replayed() if campaign.link == "serial" else emulated(image)
    with started as target, asking(campaign, target) as queries:
        return infer(campaign, queries, [])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the campaigns, print how they ended; 1 if a figure was wrong or a run hung."""
    options = campaign_options(__doc__, arguments)
    console = Console(width=_COLUMNS)
    figures, bad = [], 0
    board, task = load_boards()["mps2-an386"], load_tasks()[_TASK]
    made = data.material(task, None, BUILD / "data")
    folder = firmware.folder_of(BUILD, board.name, task.name, made.data.kind)
    image = firmware.build(board, task, made.model, folder).image
    for campaign in CAMPAIGNS:
        runs = max(1, round(options.share * campaign.runs))
        clean = _clean(campaign, image)
        seeds = range(options.seed, options.seed + runs)
        outcomes = []
        workers = _AT_ONCE if campaign.link == "serial" else 2
        with ThreadPoolExecutor(workers) as pool, progress_bar(console, campaign.name) as bar:
            for outcome in pool.map(
                lambda seed: _run(campaign, image, clean, seed),  # noqa: B023 - used up here
                seeds,
            ):
                outcomes.append(outcome)
                bar(len(outcomes), runs)
        figures.append(figure(campaign, outcomes))
        for seed, outcome in zip(seeds, outcomes, strict=True):
            if outcome.verdict not in ("equal", "error") and not campaign.expects_wrong:
                bad += 1
                console.print(f"seed {seed}: {outcome.verdict}: {outcome.text}", markup=False)
    console.print(table_of(figures))
    path = write_figures("faults", figures)
    console.print(f"figures: {path}", soft_wrap=True)
    return 1 if bad else 0


def figure(campaign: Campaign, outcomes: Sequence[Outcome]) -> dict[str, object]:
    """How the runs of a campaign ended."""
    verdicts = Counter(outcome.verdict for outcome in outcomes)
    faults = sum((outcome.faults for outcome in outcomes), Counter[str]())
    return {
        "campaign": campaign.name,
        "runs": len(outcomes),
        "faults": faults.total(),
        **{verdict: verdicts[verdict] for verdict in VERDICTS},
        "healed": sum(outcome.healed for outcome in outcomes),
        "wrong_allowed": campaign.expects_wrong,
        "kinds": dict(faults),
        "errors": dict(
            Counter(
                o.text.split(";")[0][:60] for o in outcomes if o.verdict == "error"
            ).most_common(8)
        ),
        "unit": "runs; faults",
    }


VERDICTS = ("equal", "error", "wrong", "lost", "hang", "crash")


def table_of(figures: Sequence[dict[str, object]]) -> Table:
    """The figures of campaigns, for people."""
    columns = ("campaign", "runs", "faults", *VERDICTS, "healed")
    table = Table(*columns, title="runs by how they ended", box=None)
    for figure in figures:
        table.add_row(*(str(figure[column]) for column in columns))
    return table


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        raise SystemExit(main())
