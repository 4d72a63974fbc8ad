"""Runs that somebody changed who knows how a run is kept, each sealed anew."""

from __future__ import annotations

import json
import struct
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tinyhil.device import raw_lines
from tinyhil.judge.verify import framed
from tinyhil.judge.verify.conversation import hear
from tinyhil.judge.verify.findings import Findings

from .forged_run import Forged


def loosened_limits(run: Forged) -> None:
    for limit in run.job["limits"].values():
        limit.update({key: 1e9 for key in ("max",) if limit.get(key) is not None})
    run.judge()


def loosened_limits_in_the_facts(run: Forged) -> None:
    loosened_limits(run)
    run.board(lambda facts: facts.update(limits={"kws01": _limits(run)}))


def _limits(run: Forged) -> dict[str, Any]:
    names = json.loads(run.kept(run.job["kept"]["board"]))["limits"]["kws01"]
    return {
        name: {key: value for key, value in run.job["limits"][name].items() if value is not None}
        for name in names
    }


def small_memory(run: Forged) -> None:
    (row,) = run.rows["memory"]
    row.update(text=1000, data=0, bss=300)
    run.job["image"] = {"text": 1000, "data": 0, "bss": 300 + row["stack_reserved"]}
    line = run.line("memory")
    line["metrics"].update(flash_bytes=1000, ram_bytes=300 + row["stack_used"])
    line["details"].update(row)


def right_labels(run: Forged) -> None:
    for row in run.plain("accuracy"):
        row["label"] = row["scores"][0].index(max(row["scores"][0]))
    run.judge()


def _label_file(run: Forged) -> None:
    right_labels(run)
    said = {row["sample"]: row["label"] for row in run.plain("accuracy")}
    rows = [line.split(",") for line in run.kept(run.job["kept"]["labels"]).decode().split()]
    lines = [f"{name},{count},{said.get(name, label)}\n" for name, count, label in rows]
    run.job["kept"]["labels"] = run.keep("".join(lines).encode())


def right_labels_in_the_label_file(run: Forged) -> None:
    _label_file(run)


def right_labels_down_to_the_sums(run: Forged) -> None:
    old = run.job["kept"]["labels"]
    _label_file(run)
    sums = run.kept(run.job["subject"]["data_sha256"]).decode()
    new = run.keep(sums.replace(old, run.job["kept"]["labels"]).encode())
    run.subject(data_sha256=new)


def a_quick_run_as_a_whole_one(run: Forged) -> None:
    run.about["configuration"]["quick"] = False


def half_of_the_full_set(run: Forged) -> None:
    run.line("accuracy")["details"]["inferences_of_the_full_set"] = 12


def wrong_answers_dropped(run: Forged) -> None:
    run.rows["accuracy"] = [
        row for row in run.rows["accuracy"]
        if "role" in row or row["scores"][0].index(max(row["scores"][0])) == row["label"]
    ]  # fmt: skip
    run.job["samples"] = len(run.plain("accuracy"))
    run.line("accuracy")["details"]["inferences_of_the_full_set"] = run.job["samples"]
    run.judge()


def samples_exchanged(run: Forged) -> None:
    first, second = run.plain("accuracy")[:2]
    for key in ("scores", "stamps_us"):
        first[key], second[key] = second[key], first[key]
    run.judge()


def names_exchanged(run: Forged) -> None:
    first, second = run.plain("accuracy")[3:5]
    for key in ("sample", "label"):
        first[key], second[key] = second[key], first[key]
    run.judge()


def another_image(run: Forged) -> None:
    """Of other code, with its own build id."""
    image = bytearray(run.kept(run.job["subject"]["firmware_sha256"]))
    old = bytes.fromhex(run.job["build_id"])
    new = bytes(20 * [7])
    run.subject(firmware_sha256=run.keep(bytes(image).replace(old, new)))
    run.job["build_id"] = new.hex()


def another_model(run: Forged) -> None:
    run.subject(model_sha256=run.keep(b"a better model"))


def an_image_of_another_board(run: Forged) -> None:
    run.board(lambda facts: facts["memory"][0].update(start=0x0800_0000))


def not_emulated(run: Forged) -> None:
    run.subject(emulated=False)


def not_emulated_by_its_facts(run: Forged) -> None:
    _as_silicon(run, "mps2-an386")


def not_emulated_and_of_another_name(run: Forged) -> None:
    _as_silicon(run, "a-real-board")
    run.packages.pop("qemu-system-arm")
    for log in (run.folder / "raw").glob("*.log"):  # As on a machine that has nothing else to do.
        lines = log.read_text().splitlines()
        made = [f"{float(line[:12]) / 10:012.6f}{line[12:]}\n" for line in lines]
        log.write_text("".join(made))


def _as_silicon(run: Forged, name: str) -> None:
    run.board(lambda facts: (facts.pop("emulator"), facts.update(name=name)))
    run.subject(emulated=False, board=name)
    run.about["configuration"]["board"] = name
    run.job["instruction_s"] = None
    for line in run.lines:
        line["metrics"].pop("instructions", None)
        line["limits"].pop("instructions", None)


def closed_division(run: Forged) -> None:
    run.subject(division="closed")


def official_data(run: Forged) -> None:
    run.subject(data_set="official", division="closed")


def a_firmware_of_nobody(run: Forged) -> None:
    run.subject(firmware_sha256=None)


def faults_denied(run: Forged) -> None:
    run.about["configuration"]["faults"] = "seed=1,every=100,kinds=drop"


def ours_called_the_users(run: Forged) -> None:
    run.about["configuration"]["own_firmware"] = True


def another_station(run: Forged) -> None:
    run.subject(station="unit2")


def faster_queries(run: Forged) -> None:
    for row in run.plain("single_stream"):
        row["times"] = [time // 2 for time in row["times"]]


def more_inferences(run: Forged) -> None:
    for row in run.plain("throughput"):
        row["count"] *= 2


def a_better_answer(run: Forged) -> None:
    row = run.plain("accuracy")[0]
    row["scores"][0] = [float(index == row["label"]) for index in range(12)]
    run.judge()


SEEN: tuple[tuple[Callable[[Forged], None], str], ...] = (
    (loosened_limits, r"run.json: kws01: limit of latency_p90_s: .*, the facts in kept/ say"),
    (loosened_limits_in_the_facts, r"limit of latency_p90_s: .* this tinyhil says"),
    (small_memory, r"its sizes are not those of the image, which are text"),
    (right_labels, r"accuracy.jsonl, line \d+: is not the sample that the label list has there"),
    (right_labels_in_the_label_file, r"its label file is not the data set's"),
    (right_labels_down_to_the_sums, r"its stand-in data is not what this tinyhil makes"),
    (a_quick_run_as_a_whole_one, r"says that 24 samples are measured, the whole data set has \d+"),
    (half_of_the_full_set, r"says 12 inferences of the full set, it has 24"),
    (wrong_answers_dropped, r"says that 23 samples are measured, a quick run measures 24"),
    (samples_exchanged, r"was not sent as the data set has it, by its sum"),
    (names_exchanged, r"was not sent as the data set has it, by its sum"),
    (another_image, r"the device said that it runs another build than run.json says"),
    (another_model, r"the image does not name its model"),
    (an_image_of_another_board, r"the image was not linked for the memory of mps2-an386"),
    (not_emulated, r"says emulated False, the board's facts in kept/ say True"),
    (not_emulated_by_its_facts, r"the board mps2-an386 is emulated"),
    (not_emulated_and_of_another_name, r"the device says that it took .* s apart"),
    (closed_division, r"says division closed, a run of this model on such data is of 'none'"),
    (official_data, r"calls its data set official, whose sums are not the pinned ones"),
    (a_firmware_of_nobody, r"names sizes of an image that nobody has seen"),
    (faults_denied, r"its link and the run's options differ in faults on purpose"),
    (ours_called_the_users, r"call the image the user's own, but names its model"),
    (another_station, r"names two stations for kws01"),
    (faster_queries, r"single_stream.jsonl.*, line \d+: says times that are not the device's"),
    (more_inferences, r"throughput.jsonl.*, line \d+: says \d+ inferences, the device was asked"),
    (a_better_answer, r"accuracy.jsonl.*, line \d+: says scores that are not the device's"),
)
"""Each forgery, and what the check has to say of it without the data set."""


def many_at_once(run: Forged) -> None:
    """What no figure shows, each in another place."""
    run.rows["accuracy"] = [row for row in run.rows["accuracy"] if row.get("role") != "heading"]
    del run.line("accuracy")["details"]["checks"]
    for row in run.plain("single_stream"):
        row["unit"] = "ticks of 1/50000000 s"
        row["host_s"] = [0.0, 0.001]
    run.rows["single_stream"][0]["virtual"] = False
    run.line("single_stream")["details"]["running"]["core_hz"] = 1
    run.line("throughput")["details"].pop("resolution_s")
    run.line("throughput")["details"]["temperature"] = 25
    run.job["limits"]["audit_clock"]["max"] = 9.0
    run.subject(link="serial")
    (run.folder / "raw" / "kws01-notes.jsonl").write_text("{}\n")
    (run.folder / "kept" / "notes.txt").write_text("all is well")


MANY = (
    r"accuracy.jsonl, line 1: is not the heading that the checks of the measure go by",
    r"single_stream.jsonl, line \d+: its times are in units of 1/50000000 s, which is not",
    r"single_stream.jsonl, line \d+: has the host wait 0.001000 s, by the log it did",
    r"single_stream.jsonl, line 1: says another virtual than the run's facts",
    r"record.jsonl, line 2: says otherwise how the board runs than the device did",
    r"record.jsonl, line 3: its resolution_s are not those of its rows",
    r"record.jsonl, line 3: has temperature in its details, as no measure has",
    r"run.json: kws01: limit of audit_clock: at most 9, that of all audits is at most 0",
    r"raw/kws01-rtt.log: is no file of such a run",
    r"raw/kws01-notes.jsonl: is no file of such a run",
    r"kept/notes.txt: is no file of such a run",
)


def times_that_do_not_add_up(run: Forged) -> None:
    """Of the timer, down to the bytes; the time stamps stay."""
    for row in run.rows["single_stream"]:
        for key in ("times", "laps"):
            if row.get(key):
                row[key] = [time // 2 for time in row[key]]

    def change(result: bytes) -> bytes:
        head = framed._RESULT_HEAD.unpack_from(result, 1)
        laps = head[7]
        if not laps:
            return result
        start = len(result) - 4 * laps
        halved = [time // 2 for time in struct.unpack_from(f"<{laps}I", result, start)]
        return result[:start] + struct.pack(f"<{laps}I", *halved)

    _rewrite(run.folder / "raw" / "kws01-serial.log", change)


def a_measure_left_out(run: Forged) -> None:
    """Another one seems to have been killed."""
    run.lines = [line for line in run.lines if line["measure"] != "throughput"]
    del run.rows["throughput"]
    (run.folder / "raw" / "kws01-throughput.jsonl").unlink()
    run.rows["energy"] = []


def a_flat_stack(run: Forged) -> None:
    """The raw bytes, the row and the record fit each other."""
    (row,) = run.rows["memory"]
    run.log(rf"m-hil-stack-used-{row['stack_used']}\b", "m-hil-stack-used-100")
    row["stack_used"] = 100
    line = run.line("memory")
    line["details"].update(row)
    line["metrics"]["ram_bytes"] = row["data"] + row["bss"] + 100


def a_patched_image(run: Forged) -> None:
    """Other code of the same size under the old build id."""
    image = run.kept(run.job["subject"]["firmware_sha256"])
    patched = image.replace(b"m-init-done", b"m-init-done"[::-1])
    assert patched != image
    run.subject(firmware_sha256=run.keep(patched))


def another_day(run: Forged) -> None:
    for line in run.lines:
        line["started"] = line["started"].replace("T", "T").replace("20", "21", 1)


def another_version(run: Forged) -> None:
    run.packages["pytest-tinyhil"] = "99.0"
    run.about["parts"][0]["tinyhil"] = "99.0"


UNSEEN = (a_flat_stack, a_patched_image, another_day, another_version)
"""What nothing but a signature can tell."""


def right_answers_in_the_bytes(run: Forged) -> None:
    """Each answer is the right one in the link's bytes, the rows and the record."""
    made = {}
    for row in run.plain("accuracy"):
        row["scores"][0] = [float(index == row["label"]) for index in range(12)]
        made[row["stamps_us"][0][0]] = [int(1000 * score) for score in row["scores"][0]]
    run.judge()
    _answer(run, made)


def wrong_answers_to_changed_samples(run: Forged) -> None:
    """As a table of the data set gives them, in the link's bytes, the rows and the record."""
    made = {}
    for row in run.rows["accuracy"]:
        if row.get("role") == "canary":
            row["scores"] = [float(index == 3) for index in range(12)]
            made[row["start_us"]] = [int(1000 * score) for score in row["scores"]]
    _answer(run, made)


def _answer(run: Forged, made: dict[int, list[int]]) -> None:
    """Change answers of the accuracy in the link's bytes: thousandths by their first stamp."""
    logs = ["raw/kws01-serial.log", "raw/kws01-rtt.log"]
    hertz = hear(run.folder, logs, Findings()).device.tick_hz or 0

    def change(result: bytes) -> bytes:
        """Its scores are thousandths behind a head."""
        head = framed._RESULT_HEAD.unpack_from(result, 1)
        scores = made.get(head[3] * 1_000_000 // hertz)
        start = 1 + framed._RESULT_HEAD.size
        return (
            result[:start] + struct.pack("<12i", *scores) + result[start + 48 :]
            if (scores)
            else result
        )

    _rewrite(run.folder / logs[1], change)


def _rewrite(log: Path, change: Callable[[bytes], bytes]) -> None:
    """Change each result in a log of frames, with its CRC."""
    session, held, made = None, b"", []
    for line in log.read_text(encoding="utf-8").splitlines():
        head, shown = line[:15], line[15:]
        data = raw_lines.bytes_of(shown)
        assert data is not None
        if head[13] == ">":
            for raw in data.split(b"\0"):
                body = framed._open(raw, 0)
                if body and body[0] == 1:
                    session = int.from_bytes(body[1:], "little")
                elif body == b"\x04":
                    session = None
        elif session is not None:
            *ended, held = (held + data).split(b"\0")
            data = b""
            for part in ended:
                body = framed._open(part, session) if part else None
                new = framed._closed(change(body), session)[1:] if body and body[0] == 0x12 else b""
                data += new or part + b"\0"
            if not data:
                continue
        made.append(f"{head}base64:{b64encode(data).decode()}" if b"\0" in data else line)
    log.write_text("".join(f"{line}\n" for line in made), encoding="utf-8")
