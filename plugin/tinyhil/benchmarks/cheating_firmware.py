"""Real firmware that cheats, on an emulated board: our own, changed in a few lines.

Each cheat is built from a copy of the firmware's sources, flashed and measured as any image.
"""

from __future__ import annotations

import shutil
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from rich.console import Console

from tinyhil import flash
from tinyhil.benchmarks import BUILD
from tinyhil.benchmarks.caught import Caught, note
from tinyhil.benchmarks.caught_by import checked, objections
from tinyhil.catalog.bench import stations
from tinyhil.catalog.board import Board, load_boards
from tinyhil.catalog.rules import QUICK
from tinyhil.catalog.task import Task, load_tasks
from tinyhil.data.material import Material, material
from tinyhil.device.dut import attached
from tinyhil.device.info import DeviceInfo
from tinyhil.device.links.serial import open_link
from tinyhil.device.queries.framed import FramedQueries
from tinyhil.device.session import Session
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.paths import FIRMWARE
from tinyhil.ground.progress import progress_bar
from tinyhil.image import build as firmware
from tinyhil.image.elf import Image
from tinyhil.image.reference import Reference, reference
from tinyhil.measure.audit import QUICK as AUDIT_QUICK
from tinyhil.measure.audit import Setting
from tinyhil.measure.draws import Draws
from tinyhil.measure.floor import floor_s
from tinyhil.measure.witness import Proof

_BOARD, _TASK, _SAMPLES = "mps2-an386", "kws01", 60
_STEP_S = 120.0

_LOOP = "        engine_infer(hil->arena, input, hil->output);\n        uint64_t now"
_TIMED = "uint64_t hil_infer_timed("
_WAIT = "for (volatile uint32_t w = 0; w < 20000u; w++) {\n            }\n"


@dataclass(frozen=True)
class FirmwareCheat:
    """A change of the firmware: what stands there, and what then stands there."""

    name: str
    what: str
    edits: Sequence[tuple[str, str, str]]
    """File below the folder of the firmware, old text, new text."""


def _timed(name: str, what: str, condition: str, before: str = "") -> FirmwareCheat:
    """A cheat that leaves an inference of the timed loop out where `condition` holds in C."""
    loop = (f"        if ({condition}) {{\n            {_WAIT}        }} else {{\n"
            "            engine_infer(hil->arena, input, hil->output);\n        }\n"
            "        uint64_t now")  # fmt: skip
    edits = [("core/infer.c", _LOOP, loop)]
    edits += [("core/infer.c", _TIMED, before + _TIMED)] if before else []
    return FirmwareCheat(name, what, edits)


_WARMED = (
    "core/infer.c",
    "void hil_infer_untimed(struct hil *hil, const int8_t *input, uint32_t count) {\n",
    "static uint32_t warmed;\n\n"
    "void hil_infer_untimed(struct hil *hil, const int8_t *input, uint32_t count) {\n"
    "    warmed = count;\n",
)
_INCLUDES = '#include "crc32.h"\n#include "infer.h"'
_QUERY_INCLUDES = '#include "clock.h"\n#include "crc32.h"'
_CRC = ("core/infer.c", '#include "infer.h"', _INCLUDES)
_SUM = "    uint32_t sum = hil_crc32(0, (const uint8_t *)input, HIL_SAMPLE_BYTES);\n"
_MASK = "    uint32_t state = port_interrupts_mask();\n"


def _with(cheat: FirmwareCheat, *edits: tuple[str, str, str]) -> FirmwareCheat:
    return FirmwareCheat(cheat.name, cheat.what, [*edits, *cheat.edits])


def cheats(samples: Sequence[bytes]) -> list[FirmwareCheat]:
    """All of them; some know these samples."""
    table = ", ".join(f"{zlib.crc32(data):#x}u" for data in samples)
    known = (f"static const uint32_t known[] = {{{table}}};\n\n"
             "static bool is_known(uint32_t sum) {\n"
             f"    for (uint32_t i = 0; i < {len(samples)}u; i++) {{\n"
             "        if (known[i] == sum) {\n            return true;\n        }\n    }\n"
             "    return false;\n}\n\n")  # fmt: skip
    crude = ("    for (size_t i = 0; i < HIL_OUTPUT_BYTES; i++) {\n"
             "        hil->output[i] = (int8_t)(hil->output[i] & ~31);\n    }\n")  # fmt: skip
    end = "    port_interrupts_restore(state);\n    hil->lap_count"
    return [
        _with(_timed("firmware: nothing behind a warm-up",
                     "what was warmed up twice or more is not inferred again, 21 times as fast",
                     "warmed >= 2u"), _WARMED),
        _timed("firmware: first one only", "of one query only the first inference runs", "i != 0u"),
        _timed("firmware: every second", "of four inferences or more it runs every second",
               "count >= 4u && i % 2u != 0u"),
        _with(_timed("firmware: cache of the last",
                     "an input that is the same as the last one is not inferred again",
                     "sum == last_sum && sum != 0u"),
              _CRC, ("core/infer.c", _MASK, _SUM + _MASK),
              ("core/infer.c", end, "    last_sum = sum;\n" + end),
              ("core/infer.c", _TIMED, "static uint32_t last_sum;\n\n" + _TIMED)),
        _with(_timed("firmware: known samples",
                     "of a sample of the data set it runs every second inference",
                     "fast && i % 2u != 0u", known),
              _CRC, ("core/infer.c", _MASK, _SUM + "    bool fast = is_known(sum);\n" + _MASK)),
        FirmwareCheat("firmware: half of the ticks", "the laps of many inferences are halved",
                      [("core/infer.c", "hil->laps[i] = saturate(now - last);",
                        "hil->laps[i] = saturate((now - last) / (count > 1u ? 2u : 1u));"),
                       ("core/infer.c", "    return last;\n",
                        "    return count > 1u ? last / 2u : last;\n")]),
        FirmwareCheat("firmware: crude when timed", "a timed query answers by a cruder model",
                      [("core/infer.c", end, crude + end)]),
        _with(_timed("firmware: in the upload",
                     "it infers as soon as an input is there, and waits when it is timed",
                     "true"),
              ("core/query.c", "        hil_infer_untimed(hil, input, query->warm_up);\n",
               "        hil_infer_untimed(hil, input, query->warm_up + 1u);\n")),
        FirmwareCheat("firmware: table of answers",
                      "samples of the data set are answered from a table, wrong on purpose",
                      [("core/query.c", '#include "clock.h"', _QUERY_INCLUDES),
                       ("core/query.c", "struct query_times hil_query_run(", known +
                        "struct query_times hil_query_run("),
                       ("core/query.c", "    engine_close(hil->input, hil->output);\n    return",
                        _SUM + "    if (is_known(sum)) {\n"
                        "        int8_t first = hil->output[0];\n"
                        "        hil->output[0] = hil->output[1];\n"
                        "        hil->output[1] = first;\n    }\n"
                        "    engine_close(hil->input, hil->output);\n    return")]),
    ]  # fmt: skip


@dataclass(frozen=True)
class Emulated:
    """What the images are measured with."""

    board: Board
    task: Task
    made: Material
    known: Reference


def surroundings() -> Emulated:
    """The board, the task, its stand-in data and the model on this machine."""
    board, task = load_boards()[_BOARD], load_tasks()[_TASK]
    made = material(task, None, BUILD / "data")
    known = reference(task, made.model, BUILD / "reference")
    assert known is not None, "a compiler for this machine is needed to build anything"
    return Emulated(board, task, made, known)


def built(emulated: Emulated, cheat: FirmwareCheat | None, folder: Path) -> Image:
    """The image of a cheat; of None, the firmware as it is."""
    if cheat is None:
        return firmware.build(emulated.board, emulated.task, emulated.made.model, folder).image
    sources = folder / "sources"
    shutil.rmtree(sources, ignore_errors=True)
    shutil.copytree(FIRMWARE, sources)
    for name, old, new in cheat.edits:
        text = (sources / name).read_text(encoding="utf-8")
        assert old in text, f"{cheat.name}: {name} has changed"
        (sources / name).write_text(text.replace(old, new, 1), encoding="utf-8")
    return firmware.build(
        emulated.board, emulated.task, emulated.made.model, folder, sources=sources
    ).image


@contextmanager
def running(emulated: Emulated, image: Image) -> Iterator[tuple[FramedQueries, DeviceInfo]]:
    """An image on an emulated board, and the way to ask it."""
    board = emulated.board
    with attached(stations({board.name: board}, None)[board.name]) as dut:
        flash.flash(image, board, dut.probe_uid, Deadline.after(_STEP_S))
        session = Session(open_link(dut))
        session.synchronize(Deadline.after(_STEP_S))
        info = session.identify(Deadline.after(_STEP_S))
        with FramedQueries(session, info) as queries:
            yield queries, info


def default_run(
    emulated: Emulated, queries: FramedQueries, info: DeviceInfo, seed: int
) -> Mapping[str, str]:
    """What a default run's checks object to first, by measure."""
    proofs = {
        name: Proof(
            emulated.task,
            Draws(seed, name),
            virtual=True,
            expected=emulated.known.answers,
            exact=True,
            floor_s=floor_s(emulated.board, emulated.known.macs, ours=True),
        )
        for name in ("latency", "throughput", "accuracy")
    }
    material = emulated.task, emulated.made.data.samples[:_SAMPLES]
    found = checked(queries, info, material, QUICK, proofs)
    return {name: one.objections[0].seen for name, one in found.items() if one.objections}


def audited(
    emulated: Emulated, queries: FramedQueries, info: DeviceInfo, seed: int, *, every: bool
) -> Mapping[str, str]:
    """What audits object to first, by audit: all of them, or the first one that does."""
    assert info.extension is not None, "it is our own firmware, but for a few lines"

    def setting() -> Setting:
        return Setting(
            emulated.task,
            emulated.made.data.samples[:_SAMPLES],
            all_windows=True,
            virtual=True,
            seed=seed,
            rules=AUDIT_QUICK,
            progress=lambda *_: None,
        )

    found = objections(queries, setting, info.extension.tick_hz)
    return dict(islice(found, None if every else 1))


def campaign(seeds: Sequence[int], console: Console, only: str = "") -> list[Caught]:
    """The firmware as it is, and each cheat, on an emulated board."""
    emulated = surroundings()
    kinds = [None, *cheats([one.data for one in emulated.made.data.samples[:_SAMPLES]])]
    chosen = [kind for kind in kinds if only in (kind.name if kind else "")]
    found: list[Caught] = []
    with progress_bar(console, "firmware") as bar:
        for number, kind in enumerate(chosen):
            name = kind.name if kind else "firmware: as it is"
            one = Caught(name, kind.what if kind else "honest", cheats=kind is not None)
            place = BUILD / "cheats" / name.replace("firmware: ", "").replace(" ", "-")
            with running(emulated, built(emulated, kind, place)) as (queries, info):
                for done, seed in enumerate(seeds, start=1):
                    by_run = default_run(emulated, queries, info, seed)
                    audits = audited(emulated, queries, info, seed, every=kind is None)
                    note(one, list(by_run), list(audits))
                    one.seen = next(iter([*by_run.values(), *audits.values()]), "")
                    bar(number + done / len(seeds), len(chosen))
            found.append(one)
    return found
