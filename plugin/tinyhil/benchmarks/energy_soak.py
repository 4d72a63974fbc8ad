"""``make soak-energy``: an hour of a PPK2 at 100,000 samples a second, to disk as it comes.

By default the hour is accelerated: the stand-in sends as fast as it is read, so all samples of
an hour pass through the pty, the decoder and the disk, in some minutes. What the host takes of a
processor is told as a share of the hour. ``--real`` takes the hour itself.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from tinyhil.benchmarks import write_figures
from tinyhil.emulator.monitors.instrument import Faults
from tinyhil.emulator.monitors.ppk2 import Ppk2
from tinyhil.emulator.monitors.timeline import Analytic
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.progress import progress_bar
from tinyhil.measure.energy.recording import Recording
from tinyhil.measure.energy.samples import count_lost
from tinyhil.measure.energy.windows import window_of
from tinyhil.measure.monitors import open_monitor, options_of
from tinyhil.record.traces import read_trace

_OPEN_S = 10.0
_STEP_S, _WINDOW_S = 20.0, 10.0
_MOST_GROWTH = 64 << 20
"""Bytes that memory may grow by from the first tenth on."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; the figures go to ``reports/bench/energy-soak.json``."""
    parser = argparse.ArgumentParser(prog="make soak-energy", description=__doc__)
    parser.add_argument("--seconds", type=float, default=3600.0, help="default: an hour")
    parser.add_argument("--real", action="store_true", help="take as long as it measures")
    options = parser.parse_args(arguments)
    starts = [5.0 + n * _STEP_S for n in range(int((options.seconds - 5.0) / _STEP_S))]
    timeline = Analytic([(at, at + _WINDOW_S) for at in starts])
    total = int(timeline.known_s * 100_000)
    console, memory = Console(), []
    with (
        tempfile.TemporaryDirectory() as made,
        Ppk2(timeline, Faults(seed=1), speed=1.0 if options.real else None) as played,
    ):
        table = {"kind": "ppk2", "volts": 3.0, "port": played.port}
        monitor = open_monitor(options_of(table, "soak"), Deadline.after(_OPEN_S))
        monitor.supply(True, Deadline.after(_OPEN_S))
        folder, tenths = Path(made), 10
        with (
            progress_bar(console, f"{timeline.known_s:,.0f} s at 100 kHz") as progress,
            Recording(monitor, folder, "soak") as recording,
        ):
            for tenth in range(1, tenths + 1):
                # A sample is lost on rounding at the very end.
                wanted = total * tenth // tenths - 1
                recording.await_samples(wanted, Deadline.after(2 * options.seconds + 60))
                progress(tenth, tenths)
                memory.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
        monitor.close()
        trace = read_trace(folder, "soak", monitor.rate_hz)
        lost = count_lost(trace)
        errors = [
            window_of(trace, int(first), int(last)).energy_j / timeline.energy_j(number) - 1
            for number, (first, last) in enumerate(
                zip(trace.edges[1::2], trace.edges[2::2], strict=True)
            )
        ]
        growth = memory[-1] - memory[0]
        right = lost == 0 and len(trace.power_w) >= total - 1 and growth < _MOST_GROWTH
        figure = {
            "what": "PPK2 at 100 kHz to disk" + ("" if options.real else ", accelerated"),
            "seconds": timeline.known_s,
            "samples": len(trace.power_w),
            "lost": lost,
            "edges": len(trace.edges),
            "largest error of a window": max(map(abs, errors)),
            "memory grew by": growth,
            "host CPU, share of the time": recording.cpu_s / timeline.known_s,
            "unit": "bytes, shares",
            "compared with": f"0 lost, memory within {_MOST_GROWTH >> 20} MiB of the first tenth",
            "right": right,
        }
    console.print(figure)
    console.print(f"figures: {write_figures('energy-soak', [figure])}", soft_wrap=True)
    return 0 if right else 1


if __name__ == "__main__":
    raise SystemExit(main())
