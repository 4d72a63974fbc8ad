"""Measures: what is done with a session to get figures out of it. Times are the device's own.

Each function hands every answer to `keep` as it comes, as a row, so that a run that dies keeps what
it had.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

from tinyhil.catalog.rules import PERFORMANCE_INPUTS, Rules
from tinyhil.catalog.task import Task
from tinyhil.data.material import Sample
from tinyhil.device.inference import Inference
from tinyhil.device.info import DeviceInfo
from tinyhil.device.queries import Queries
from tinyhil.ground.errors import DeviceError
from tinyhil.ground.progress import Progress
from tinyhil.measure.accuracy import accuracy
from tinyhil.measure.draws import CANARY_TIME
from tinyhil.measure.pace import Pace
from tinyhil.measure.witness import Part, Proof, Witness
from tinyhil.record.rows import (
    Accuracy,
    Keep,
    Queried,
    Row,
    Share,
    SingleStream,
    Throughput,
    by_input,
    plain,
    refuse_rows_of,
    seconds_of,
    single_stream_of,
    throughput_of,
)

Item = TypeVar("Item")

__all__ = [
    "Accuracy",
    "Keep",
    "SingleStream",
    "Throughput",
    "accuracy",
    "adds_up",
    "performance_inputs",
    "single_stream",
    "spread",
    "throughput",
]

_BATCH_S = 2.0
"""Device time of one `infer` of many: short enough for a progress bar that moves."""

_CANARY_QUERIES, _CANARY_WINDOW = 8, 3
"""Of a changed input, at least: enough to be compared."""

_MORE = 0.05
"""Share of its inferences that a window may have beyond what it needs, by chance."""


def performance_inputs(task: Task, samples: Sequence[Sample]) -> tuple[tuple[str, bytes], ...]:
    """Name and bytes of the inputs of performance measurements.

    They are spread evenly over the data set, in its order; of a sample that holds several windows,
    the first one.
    """
    chosen = spread(samples)
    return tuple((sample.name, task.input.windows(sample.data)[0].data) for sample in chosen)


def spread(items: Sequence[Item]) -> list[Item]:
    """As many of them as performance is measured on, spread evenly."""
    count = min(PERFORMANCE_INPUTS, len(items))
    return [items[index * len(items) // count] for index in range(count)]


def single_stream(
    queries: Queries,
    info: DeviceInfo,
    inputs: Sequence[tuple[str, bytes]],
    rules: Rules,
    keep: Keep,
    progress: Progress,
    *,
    done: Sequence[Row] = (),
    proof: Proof | None = None,
) -> SingleStream:
    """Time each of many single queries; each input gets its share of the rules' length.

    Our own firmware times every one of N back-to-back inferences; any other is sent N times
    `infer 1 0`, by its own time stamps, or, where those are too coarse for one inference, batches
    that are long enough.

    Args:
        queries: the way to ask the device.
        info: what it said about itself.
        inputs: name and bytes of each.
        rules: how long it must be.
        keep: see `Keep`.
        progress: in inputs.
        done: rows of a run that died, which are not measured again.
        proof: how its answers are proved; None: not at all.

    Raises:
        LinkError, DeviceError: see `Queries`.
        DataError: `done` is of something else.
    """
    share = Share(
        queries=math.ceil(rules.queries / len(inputs)),
        seconds=rules.single_stream_s / len(inputs),
    )
    hertz = info.extension.tick_hz if info.extension else None
    parts = _parts(inputs, proof)
    found = {
        name: Queried(share, hertz or 10**6, rows) for name, rows in _own_rows(parts, done).items()
    }
    if not all(own.enough for own in found.values()):
        witness = Witness(queries, keep, proof, hertz, done)
        witness.ask(parts)
        for place, part in enumerate(parts):
            pace = Pace(witness, part)
            warm_up = _warm_up(rules, proof, place)
            if part.canary:
                _query_canary(pace, info, rules, warm_up)
            elif not found[part.name].enough:
                own = found[part.name]
                refuse_rows_of([one.rows for one in _behind(part.name, found)])
                sizes = _Sizes(info, pace, share, own, proof)
                for _ in _queries(witness, info, pace, own, sizes, warm_up):
                    progress(sum(own.share_done for own in found.values()), len(inputs))
        witness.close()
    return single_stream_of([row for own in found.values() for row in own.rows], hertz)


def _queries(
    witness: Witness, info: DeviceInfo, pace: Pace, own: Queried, sizes: _Sizes, warm_up: int
) -> Iterator[None]:
    """Time queries of one input until there are enough; stops behind each row."""
    pace.load()
    pace.find()
    known = any(row.get("bracket") for row in own.rows)
    if info.extension is None and pace.batch == 1 and warm_up and not known:
        _keep_batch(witness, info, pace, own, 1 + warm_up, bracket=True)
    else:
        pace.infer(pace.batch, warm_up, role="warm")
    if own.rows:
        last = own.rows[-1]
        pace.device_s = seconds_of(last) / last.get("count", len(last["times"]))
    while not own.enough:
        _keep_batch(witness, info, pace, own, sizes.next())
        yield


def _query_canary(pace: Pace, info: DeviceInfo, rules: Rules, warm_up: int) -> None:
    """Time a changed input as the others are timed, and for as short as can be."""
    pace.load()
    pace.find()
    pace.infer(pace.batch, warm_up, role="warm")
    inferences = _in_share_of(rules.single_stream_s, pace, warm_up)
    if info.extension is None:
        most = min(math.ceil(CANARY_TIME * rules.queries), math.ceil(inferences / pace.batch))
        for _ in range(max(_CANARY_QUERIES, most)):
            pace.infer(pace.batch, 0)
    else:
        pace.infer(max(_CANARY_QUERIES, inferences), 0, laps=True)


def throughput(
    queries: Queries,
    inputs: Sequence[tuple[str, bytes]],
    rules: Rules,
    keep: Keep,
    progress: Progress,
    *,
    done: Sequence[Row] = (),
    proof: Proof | None = None,
    by_text: bool = False,
) -> Throughput:
    """Run the official performance measurement: each input long enough by the device's clock.

    Args:
        queries: the way to ask the device.
        inputs: name and bytes of each.
        rules: how long it must be.
        keep: see `Keep`.
        progress: in inputs.
        done: rows of a run that died, which are not measured again.
        proof: how its answers are proved; None: not at all.
        by_text: whether a time is the difference of two stamps that are printed: a single query is
            kept then too, which shows what they cost.

    Raises:
        LinkError, DeviceError: see `Queries`.
        DataError: `done` is of something else.
    """
    parts = _parts(inputs, proof)
    found = _own_rows(parts, done)
    if not all(_is_long(rows, rules) for rows in found.values()):
        witness = Witness(queries, keep, proof, None, done)
        witness.ask(parts)
        for place, part in enumerate(parts):
            warm_up = _warm_up(rules, proof, place)
            if part.canary:
                _window_of_canary(Pace(witness, part), rules, warm_up)
            elif not _is_long(found[part.name], rules):
                refuse_rows_of(_behind(part.name, found))
                _windows(witness, part, found[part.name], rules, warm_up, by_text=by_text)
            progress(sum(_is_long(rows, rules) for rows in found.values()), len(inputs))
        witness.close()
    return throughput_of([row for own in found.values() for row in own])


def _is_long(rows: Sequence[Row], rules: Rules) -> bool:
    return bool(rows) and rows[-1]["count"] > 1 and seconds_of(rows[-1]) >= rules.window_s


def _windows(
    witness: Witness, part: Part, own: list[Row], rules: Rules, warm_up: int, *, by_text: bool
) -> None:
    """Infer one input back to back until it was long enough; the rows go where `own` are."""

    def window(count: int, warm_up: int) -> Row:
        answer, host = pace.infer(count, warm_up, may_be_too_short=count == 1)
        row = {"sample": part.name, "count": count, **answer.stamps}
        row |= witness.proving(answer, {**host, "warm_up": warm_up})
        witness.keep(row)
        own.append(row)
        return row

    pace = Pace(witness, part)
    pace.load()
    if by_text and not own:
        window(1, 0)
    pace.find()
    count, seconds = rules.window_inferences, -1.0
    if own and own[-1]["count"] > 1:
        count, pace.device_s = own[-1]["count"], seconds_of(own[-1]) / own[-1]["count"]
    more = 1.02 + (
        _MORE * witness.proof.draws.about("window", part.name).random() if witness.proof else 0.0
    )
    while seconds < rules.window_s:
        count = max(count, math.ceil(more * rules.window_s / pace.device_s))
        seconds = seconds_of(window(count, warm_up))
    if witness.proof:
        # Beside the window, as warm as it: alone it must cost the same.
        pace.infer(1, 0, role="single", may_be_too_short=True)


def _window_of_canary(pace: Pace, rules: Rules, warm_up: int) -> None:
    """Time a changed input as the others are timed, and for as short as can be."""
    pace.load()
    pace.find()
    count = _in_share_of(PERFORMANCE_INPUTS * rules.window_s, pace, warm_up)
    pace.infer(max(_CANARY_WINDOW, count), warm_up)


def _in_share_of(measure_s: float, pace: Pace, warm_up: int) -> int:
    """Inferences that are left for a canary, of its share of a measure so long: the query that
    found the pace, and the warm-up, are of that share too."""
    return math.ceil(CANARY_TIME * measure_s / pace.device_s) - warm_up - 1


def _own_rows(parts: Sequence[Part], done: Sequence[Row]) -> dict[str, list[Row]]:
    """What a run that died has of each input, without the changed one, in their order."""
    return by_input([part.name for part in parts if not part.canary], plain(done))


def _behind(name: str, found: Mapping[str, Item]) -> list[Item]:
    """What there is of the inputs after this one."""
    return list(found.values())[list(found).index(name) + 1 :]


def _parts(inputs: Sequence[tuple[str, bytes]], proof: Proof | None) -> list[Part]:
    """The inputs in an order by chance, and a changed one among them."""
    parts = [Part(*one) for one in inputs]
    if proof is None:
        return parts
    random, draws = proof.draws.about("canary"), proof.draws
    parts = draws.shuffled(parts)
    like = random.choice(parts)
    canary = Part(like.name, draws.canary(proof.task, like.data, 0), canary=True)
    parts.insert(random.randint(0, len(parts)), canary)
    return parts


def _warm_up(rules: Rules, proof: Proof | None, place: int) -> int:
    return proof.draws.warm_up(rules, place) if proof else rules.warm_up


class _Sizes:
    """How many inferences each query to our own firmware has: by chance, but two in a row always
    as many as without, so that as many queries are cold as ever."""

    def __init__(
        self, info: DeviceInfo, pace: Pace, share: Share, own: Queried, proof: Proof | None
    ) -> None:
        self._info, self._pace, self._share, self._own = info, pace, share, own
        self._draws = proof.draws if proof else None
        self._second = 0

    def next(self) -> int:
        """The next one."""
        pace, share, own = self._pace, self._share, self._own
        if self._info.extension is None:
            return pace.batch
        missing_s = max(0.0, share.seconds - own.seconds)
        missing = max(share.queries - own.queries, math.ceil(missing_s / pace.device_s), 1)
        most = self._info.extension.lap_capacity
        usual = min(math.ceil(_BATCH_S / pace.device_s), most)
        if self._second:
            size, self._second = min(self._second, missing), 0
            return size
        if self._draws is None or missing < 2 * usual:
            return min(missing, usual)
        about = self._draws.about("batch", own.queries, own.seconds)
        more = about.randint(0, min(usual // 2, most - usual))
        self._second = usual + more
        return usual - more


def _keep_batch(
    witness: Witness,
    info: DeviceInfo,
    pace: Pace,
    own: Queried,
    count: int,
    *,
    bracket: bool = False,
) -> None:
    """Time `count` queries; the row goes where `own` are.

    Args:
        witness: asks and keeps.
        info: what the device said about itself.
        pace: of the input.
        own: rows of the input.
        count: of the queries.
        bracket: the row only shows what a single query takes longer than one of many.
    """
    row = {"sample": pace.name, **_batch(witness, info, pace, count)}
    if bracket:
        row["bracket"] = True
    witness.keep(row)
    own.add(row)


def _batch(witness: Witness, info: DeviceInfo, pace: Pace, count: int) -> dict[str, Any]:
    """The row of `count` queries, without its sample's name."""
    inference, host = pace.infer(count, 0, laps=True)
    proved = witness.proving(inference, host)
    if info.extension is None:
        took = inference.end_us - inference.start_us
        many = {"count": count} if count > 1 else {}
        return {"times": (took,), "unit": "us", **inference.stamps, **many, **proved}
    if len(inference.laps) != count:
        raise DeviceError(
            f"asked for the times of {count} inferences, {len(inference.laps)} came",
            hint="build the firmware with this version of tinyhil",
        )
    hertz = info.extension.tick_hz
    _check_sum(inference, inference.laps, hertz)
    unit = f"ticks of 1/{hertz} s"
    return {"times": inference.laps, "unit": unit, **inference.stamps, **proved}


def adds_up(stamps: Row, ticks: Sequence[int], hertz: int) -> bool:
    """Whether the times of queries add up to what the time stamps around them say."""
    around, inside = seconds_of(stamps), sum(ticks) / hertz
    # A microsecond of rounding at each stamp, and one inference's loop around the laps.
    return abs(around - inside) <= 2e-6 + 1e-3 * around


def _check_sum(inference: Inference, ticks: Sequence[int], hertz: int) -> None:
    """The times of the queries must add up to what the time stamps around them say."""
    if not adds_up(inference.stamps, ticks, hertz):
        around, inside = seconds_of(inference.stamps), sum(ticks) / hertz
        raise DeviceError(
            f"the times of {inference.count} inferences add up to {inside:.6f} s, the time stamps "
            f"around them say {around:.6f} s",
            hint="the device's timer and its time stamps disagree; check the firmware's port",
        )
