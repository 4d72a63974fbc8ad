"""``make soak-energy``: a power monitor's samples to disk as they come, for long.

By default an hour of a PPK2 at 100,000 samples a second; with ``--monitor joulescope`` ten minutes
of a JS220 at 1,000,000. The time is accelerated: the stand-in sends as fast as it is read, so all
samples pass through the decoder and the disk, in some minutes. What the host takes of a processor
is told as a share of the time. ``--real`` takes the time itself.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console

from tinyhil.benchmarks import write_figures
from tinyhil.emulator.monitors import joulescope as played_joulescope
from tinyhil.emulator.monitors.instrument import Faults
from tinyhil.emulator.monitors.ppk2 import Ppk2
from tinyhil.emulator.monitors.timeline import Analytic
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.progress import progress_bar
from tinyhil.measure.energy.recording import Recording
from tinyhil.measure.energy.samples import count_lost
from tinyhil.measure.energy.windows import window_of
from tinyhil.measure.monitors import Monitor, joulescope, open_monitor, options_of
from tinyhil.record.traces import Trace, read_trace

_OPEN_S = 10.0
_FIRST_S, _STEP_S, _WINDOW_S = 1.0, 20.0, 10.0
_SECONDS = {"ppk2": 3600.0, "joulescope": 600.0}
_AHEAD = 200_000
"""Samples that a stand-in with nothing to hold it back may be ahead of the disk."""
_MOST_GROWTH = 64 << 20
"""Bytes that memory may grow by from the first tenth on."""
_TENTHS = 10


@contextmanager
def _ppk2(timeline: Analytic, real: bool, taken: Callable[[], int]) -> Iterator[Monitor]:
    del taken  # Its pty holds it back.
    with Ppk2(timeline, Faults(seed=1), speed=1.0 if real else None) as played:
        table = {"kind": "ppk2", "volts": 3.0, "port": played.port}
        yield open_monitor(options_of(table, "soak"), Deadline.after(_OPEN_S))


@contextmanager
def _joulescope(timeline: Analytic, real: bool, taken: Callable[[], int]) -> Iterator[Monitor]:
    began_s = time.monotonic()

    def may_send(sent: int) -> bool:
        if real:
            return sent < (time.monotonic() - began_s) * played_joulescope.FULL_HZ
        return sent < taken() + _AHEAD

    driver = played_joulescope.Driver(timeline, Faults(seed=1), may_send)
    options = joulescope.Options(kind="joulescope", volts=3.0, rate_hz=played_joulescope.FULL_HZ)
    yield joulescope.Joulescope(driver, options, Deadline.after(_OPEN_S))


_MONITORS = {"ppk2": _ppk2, "joulescope": _joulescope}


def _memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def soak(name: str, seconds: float, *, real: bool, folder: Path, console: Console) -> Any:
    """The figures of one soak, see the module.

    Args:
        name: of the monitor, one of `_MONITORS`.
        seconds: by its clock.
        real: whether to take that long.
        folder: for the samples.
        console: for the progress.
    """
    starts = [_STEP_S * n + _FIRST_S for n in range(max(1, int(seconds / _STEP_S)))]
    tail_s = max(1.5, seconds - starts[-1] - _WINDOW_S)
    timeline = Analytic([(at, at + _WINDOW_S) for at in starts], tail_s=tail_s)
    recordings, memory = list[Recording](), []

    def taken() -> int:
        return recordings[0].samples if recordings else 0

    with _MONITORS[name](timeline, real, taken) as monitor:
        monitor.supply(True, Deadline.after(_OPEN_S))
        total = int(timeline.known_s * monitor.rate_hz)
        title = f"{monitor.name}: {timeline.known_s:,.0f} s at {monitor.rate_hz / 1000:,.0f} kHz"
        recordings.append(Recording(monitor, folder, "soak"))
        with progress_bar(console, title) as progress, recordings[0] as recording:
            for tenth in range(1, _TENTHS + 1):
                # A sample is lost on rounding at the very end.
                wanted = total * tenth // _TENTHS - 1
                recording.await_samples(wanted, Deadline.after(2 * seconds + 60))
                progress(tenth, _TENTHS)
                memory.append(_memory())
        monitor.close()
        trace = read_trace(folder, "soak", monitor.rate_hz)
    growth, lost = memory[-1] - memory[0], count_lost(trace)
    return {
        "what": f"{title}, to disk" + ("" if real else ", accelerated"),
        "seconds": timeline.known_s,
        "samples": len(trace.power_w),
        "lost": lost,
        "edges": len(trace.edges),
        "largest error of a window": _largest_error(trace, timeline),
        "memory grew by": growth,
        "host CPU, share of the time": recording.cpu_s / timeline.known_s,
        "unit": "bytes, shares",
        "compared with": f"0 lost, memory within {_MOST_GROWTH >> 20} MiB of the first tenth",
        "right": lost == 0 and len(trace.power_w) >= total - 1 and growth < _MOST_GROWTH,
    }


def _largest_error(trace: Trace, timeline: Analytic) -> float:
    """Of a window's energy, as a share."""
    pairs = zip(trace.edges[1::2], trace.edges[2::2], strict=False)  # The last may be cut off.
    return max(
        abs(window_of(trace, int(first), int(last)).energy_j / timeline.energy_j(number) - 1)
        for number, (first, last) in enumerate(pairs)
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; the figures go to ``reports/bench/energy-soak.json``."""
    parser = argparse.ArgumentParser(prog="make soak-energy", description=__doc__)
    parser.add_argument("--monitor", choices=_MONITORS, default="ppk2", help="default: ppk2")
    parser.add_argument("--seconds", type=float, help="default: an hour, of a joulescope 600")
    parser.add_argument("--real", action="store_true", help="take as long as it measures")
    options = parser.parse_args(arguments)
    seconds, console = options.seconds or _SECONDS[options.monitor], Console()
    with tempfile.TemporaryDirectory() as made:
        figure = soak(
            options.monitor, seconds, real=options.real, folder=Path(made), console=console
        )
    console.print(figure)
    console.print(f"figures: {write_figures('energy-soak', [figure])}", soft_wrap=True)
    return 0 if figure["right"] else 1


if __name__ == "__main__":
    raise SystemExit(main())
