"""``make faults-probe``: thousands of faults between a debug probe and the flash behind it.

Stock pyOCD flashes an emulated board through its own CMSIS-DAP driver and the chip's own flash
algorithm, while the probe fails by a seed. Each run must end in one of two ways: accepted, with the
image in flash to the last byte (looked at past the probe), or refused with an error of ours within
its deadline. After each refusal the next run, without faults, must succeed.

Then the chip itself: locked against reading, worn, write-protected, another part.
"""

from __future__ import annotations

import re
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from pyocd.core.session import Session
from rich.console import Console
from rich.table import Table

from tinyhil import flash
from tinyhil.benchmarks import campaign_options, write_figures
from tinyhil.catalog.board import Board, load_boards
from tinyhil.device.faults import PROBE_KINDS, ProbeFaults, ProbeKind, Spec
from tinyhil.emulator.gdb import StubLostError
from tinyhil.emulator.machine import Machine
from tinyhil.emulator.qemu import EmulatedBoard, start
from tinyhil.emulator.qmp import QmpClient
from tinyhil.emulator.registry import running_boards
from tinyhil.emulator.runtime import QMP_SOCKET
from tinyhil.emulator.usb.trouble import sabotage
from tinyhil.flash.pyocd import find_probe, session_options
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import TinyhilError
from tinyhil.ground.progress import progress_bar
from tinyhil.image.elf import Image, Segment

_BOARD = "b-l475e-iot01a"
_IMAGE_BYTES = 3000
_DEADLINE_S = 40.0
_LATEST_S = 90.0
"""Past its deadline a run may wait for one answer of the probe (pyOCD: 10 s), and let go."""
_START_S = 30.0
_DYING_S = 0.3
"""Between the probe's end and that of the board's process."""
_SILENT_S = 20.0
"""After which a board is taken to be hung."""
_COLUMNS = 110
_LOOP = b"\x30\xbf\xfd\xe7"
"""WFI, and a jump back to it: an image that runs, harms nothing and costs the host nothing."""


@dataclass(frozen=True)
class Campaign:
    """Runs of one kind."""

    name: str
    kinds: tuple[ProbeKind, ...]
    runs: int
    every: int
    """Mean transfers between two faults."""
    limit: int | None = None


CAMPAIGNS = (
    *(Campaign(kind, (kind,), 40, 400) for kind in PROBE_KINDS if kind != "probe-unplug"),
    Campaign("probe-unplug", ("probe-unplug",), 60, 700),
    Campaign("wrong reads and writes, one", ("probe-read", "probe-write"), 60, 600, limit=1),
    Campaign("slow and waiting", ("probe-wait", "probe-slow"), 120, 60),
    Campaign("all kinds", PROBE_KINDS, 80, 300),
)
"""In all more than 2 000 faults."""


@dataclass
class Outcomes:
    """How the runs of a campaign ended."""

    verdicts: Counter[str] = field(default_factory=Counter)
    """``held`` (accepted, and right), ``error``, ``wrong``, ``hang``, ``crash``, ``stuck`` (the
    next run does not succeed)."""
    died: int = 0
    """Boards that ended, or answered nobody any more: a core that locks up, as after a wrong write,
    ends QEMU. The next run is then on a new one."""
    faults: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    slowest_s: float = 0.0
    told: list[str] = field(default_factory=list)


def image_of(board: Board, seed: int, size: int = _IMAGE_BYTES, loop: bytes = _LOOP) -> Image:
    """An image of random bytes but for what it runs, at the start of the board's flash."""
    memory = {kind: next(m for m in board.memory if m.kind == kind) for kind in ("flash", "ram")}
    entry = memory["flash"].start + 0x100
    head = memory["ram"].end.to_bytes(4, "little") + (entry | 1).to_bytes(4, "little")
    rest = np.random.default_rng(seed).bytes(size)
    data = head + rest[len(head) : 0x100] + loop + rest[0x100 + len(loop) :]
    segments = (Segment(memory["flash"].start, data),)
    return Image(Path(f"made-{seed}.elf"), "0" * 64, entry | 1, segments, {}, size, 0, 0)


def held(emulated: EmulatedBoard, image: Image) -> bool:
    """Whether the board's flash holds an image, seen past its probe."""
    folder = next(b.folder for b in running_boards() if b.probe_uid == emulated.probe_uid)
    machine = Machine(folder)
    try:
        with machine.paused() as stub:
            return all(stub.read(part.address, part.size) == part.data for part in image.segments)
    finally:
        machine.close()


def attempt(emulated: EmulatedBoard, board: Board, image: Image) -> tuple[str, str, float]:
    """Flash once: verdict, what was said, and seconds."""
    ended: list[tuple[str, str]] = []

    def work() -> None:
        try:
            flash.flash(image, board, emulated.probe_uid, Deadline.after(_DEADLINE_S))
            ended.append(("held", ""))
        except TinyhilError as error:
            ended.append(("error" if error.message and error.hint else "crash", str(error)))
        except Exception as error:
            ended.append(("crash", repr(error)))

    started = time.monotonic()
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(_LATEST_S)
    seconds = time.monotonic() - started
    verdict, text = ended[0] if ended else ("hang", f"no end in {_LATEST_S:g} s")
    if verdict == "held" and not held(emulated, image):
        verdict = "wrong"
    return verdict, text, seconds


class Bench:
    """The board of the campaigns, which is started again when it has died."""

    def __init__(self, board: Board) -> None:
        self.board = board
        self._emulated = start(board, deadline=Deadline.after(_START_S))

    def close(self) -> None:
        """End it."""
        self._emulated.stop()

    def run(self, campaign: Campaign, seed: int, into: Outcomes) -> None:
        """A run with faults, and after a refusal one without."""
        image, uid = image_of(self.board, seed), self._emulated.probe_uid
        spec = Spec(seed, campaign.every, (), campaign.kinds, limit=campaign.limit, hold_ms=20)
        faults = ProbeFaults(spec)
        sabotage(uid, faults)
        verdict, text, seconds = attempt(self._emulated, self.board, image)
        sabotage(uid, None)
        into.faults.update(fault.kind for fault in faults.faults)
        into.slowest_s = max(into.slowest_s, seconds)
        if verdict == "error":
            into.errors[_kind_of(text)] += 1
            self._revive(into)
            again, why, _ = attempt(self._emulated, self.board, image)
            if again != "held":
                verdict, text = "stuck", f"the next run: {why}"
        into.verdicts[verdict] += 1
        if verdict not in ("held", "error"):
            into.told.append(f"{campaign.name}, seed {seed}: {verdict}: {text}")

    def _revive(self, into: Outcomes) -> None:
        if self._emulated.process.exited.wait(_DYING_S) or _is_silent(self._emulated):
            into.died += 1
            self._emulated.stop()
            self._emulated = start(self.board, deadline=Deadline.after(_START_S))


def _is_silent(emulated: EmulatedBoard) -> bool:
    """Whether its QEMU runs and answers nobody."""
    folder = next(b.folder for b in running_boards() if b.probe_uid == emulated.probe_uid)
    try:
        QmpClient(folder / QMP_SOCKET, Deadline.after(_SILENT_S)).close()
    except StubLostError:
        return True
    return False


def _kind_of(text: str) -> str:
    """What an error says, without names and addresses."""
    said = text.splitlines()[0].partition("] ")[2]
    return re.sub(r"\b0x[0-9a-f]+|\S+\.[0-9a-f]{8}", "…", said)[:70]


@dataclass(frozen=True)
class State:
    """A chip that can't be flashed, and what must be said of it."""

    name: str
    options: dict[str, int]
    says: str
    part: int | None = None
    """Another one than it has, that the board's file names."""


STATES = (
    State("locked against reading", {"rdp": 1}, "locked"),
    State("a worn page", {"worn": 0}, "the flash is worn"),
    State("write-protected", {"wrp": 255}, "protected against writing"),
    State("another part", {}, "not that of", part=0x435),
)


def with_options(board: Board, **options: int) -> Board:
    """The board with devices that are broken on purpose."""
    assert board.emulator is not None
    both = {**board.emulator.device_options, **options}
    facts = board.emulator.model_copy(update={"device_options": both})
    return board.model_copy(update={"emulator": facts})


@contextmanager
def debugging(emulated: EmulatedBoard) -> Iterator[Any]:
    """pyOCD's target of a halted board."""
    options = session_options(emulated.board, 4_000_000, "halt")
    with Session(find_probe(emulated.probe_uid), options=options) as session:
        yield session.target


OPTR, WRP1AR = 0x20, 0x2C
"""Option registers: read protection, and the first range of pages that is write-protected."""
UNLOCKED, LOCKED = 0xFFEF_F8AA, 0xFFEF_F8BB
"""Of `OPTR`; to leave protection erases the flash: RM0351, 3.5.1."""


def set_options(emulated: EmulatedBoard, register: int, word: int) -> None:
    """Change an option register of the chip and have it loaded, as its maker's tool does."""
    base = 0x4002_2000
    with debugging(emulated) as target:
        for offset, value in (
            *((0x08, 0x4567_0123), (0x08, 0xCDEF_89AB), (0x0C, 0x0819_2A3B), (0x0C, 0x4C5D_6E7F)),
            *((register, word), (0x14, 1 << 17)),
        ):
            target.write32(base + offset, value)
        deadline = Deadline.after(_DEADLINE_S)
        while target.read32(base + 0x10) & 1 << 16 and not deadline.expired:
            pass
        target.write32(base + 0x14, 1 << 27)
        target.reset_and_halt()  # As loading them does in silicon.


def try_state(board: Board, state: State) -> tuple[str, str]:
    """Whether a chip in this state is refused by name, and what was said."""
    broken = with_options(board, **state.options)
    named = broken
    if state.part is not None and board.flash.part:
        part = board.flash.part.model_copy(update={"value": state.part})
        named = broken.model_copy(update={"flash": board.flash.model_copy(update={"part": part})})
    image = image_of(board, 1)
    with start(broken, deadline=Deadline.after(_START_S)) as emulated:
        verdict, text, _ = attempt(emulated, named, image)
        if verdict != "error" or not any(word in text for word in state.says.split("|")):
            return "wrong", text
        if state.name.startswith("locked"):
            set_options(emulated, OPTR, UNLOCKED)
        if state.part is not None or state.name.startswith("locked"):
            verdict, why, _ = attempt(emulated, broken, image)
            if verdict != "held":
                return "stuck", why
    return "named", text


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the campaigns, print how they ended; 1 if a wrong image was accepted or a run hung."""
    options = campaign_options(__doc__, arguments)
    console = Console(width=_COLUMNS)
    board = load_boards()[_BOARD]
    figures: list[dict[str, object]] = []
    bad = 0
    with closing(Bench(board)) as bench:
        for campaign in CAMPAIGNS:
            runs = max(1, round(options.share * campaign.runs))
            outcomes = Outcomes()
            with progress_bar(console, campaign.name) as bar:
                for seed in range(options.seed, options.seed + runs):
                    bench.run(campaign, seed, outcomes)
                    bar(outcomes.verdicts.total(), runs)
            bad += len(outcomes.told)
            for text in outcomes.told:
                console.print(text, markup=False)
            figures.append(figure(campaign, outcomes))
    for state in STATES:
        verdict, text = try_state(board, state)
        bad += verdict != "named"
        console.print(f"{state.name}: {verdict}: {text.splitlines()[0]}", markup=False)
        figures.append({"campaign": state.name, "verdict": verdict, "says": text, "unit": "chip"})
    console.print(table_of([one for one in figures if "runs" in one]))
    path = write_figures("faults-probe", figures)
    console.print(f"figures: {path}", soft_wrap=True)
    return 1 if bad else 0


VERDICTS = ("held", "error", "wrong", "hang", "crash", "stuck")


def figure(campaign: Campaign, outcomes: Outcomes) -> dict[str, object]:
    """How the runs of a campaign ended."""
    return {
        "campaign": campaign.name,
        "runs": outcomes.verdicts.total(),
        "faults": outcomes.faults.total(),
        **{verdict: outcomes.verdicts[verdict] for verdict in VERDICTS},
        "died": outcomes.died,
        "slowest_s": round(outcomes.slowest_s, 1),
        "kinds": dict(outcomes.faults),
        "errors": dict(outcomes.errors.most_common(8)),
        "unit": "runs; faults; s",
    }


def table_of(figures: Sequence[dict[str, object]]) -> Table:
    """The figures of campaigns, for people; the last line is their sum."""
    columns = ("campaign", "runs", "faults", *VERDICTS, "died", "slowest_s")
    table = Table(*columns, title="runs by how they ended", box=None)
    for one in figures:
        table.add_row(*(str(one[column]) for column in columns))
    sums = (str(sum(int(str(one[column])) for one in figures)) for column in columns[1:-1])
    table.add_row("all", *sums, "")
    return table


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        raise SystemExit(main())
