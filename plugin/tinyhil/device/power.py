"""Takes a board's power away and gives it back: the last thing that may bring a board to life."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

from tinyhil.catalog.power import PowerFacts
from tinyhil.device.far import coordinator
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import BenchError
from tinyhil.ground.processes import run_group
from tinyhil.ground.text import shown

_SHOWN = 300
_PROGRAMS = {"uhubctl": "uhubctl", "labgrid": "labgrid-client"}
_HINT = "try it by hand, and correct the table 'power' of the station in the bench file"


Cycle = Callable[[Deadline], None]
"""Switches a board's power off and on, and returns when it is on again; raises BenchError where
that failed, or was not done by the deadline."""


def cycle_of(facts: PowerFacts, place: str = "") -> Cycle:
    """How the power of a board of this host is switched.

    Args:
        facts: of its station.
        place: labgrid's name of it.
    """
    if facts.method == "labgrid":
        return _bounded(facts, lambda limit_s: coordinator.cycle_power(place, limit_s))
    command = list(facts.command)
    if facts.method == "uhubctl":
        port = ("--location", facts.hub, "--ports", str(facts.hub_port))
        command = ["uhubctl", *port, "--action", "cycle", "--delay", f"{facts.off_s:g}"]
    return _bounded(facts, lambda limit_s: run_group(command, limit_s))


def _bounded(
    facts: PowerFacts, switch: Callable[[float], subprocess.CompletedProcess[str]]
) -> Cycle:
    def cycle(deadline: Deadline) -> None:
        limit_s = max(0.1, deadline.within(facts.timeout_s).remaining())
        try:
            done = switch(limit_s)
        except subprocess.TimeoutExpired as error:
            raise BenchError(
                f"the power was not switched in {limit_s:.0f} s", hint=_HINT
            ) from error
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else error
            program = shown(_PROGRAMS.get(facts.method) or facts.command[0], _SHOWN)
            raise BenchError(
                f"the power can't be switched: '{program}' does not start: {why}", hint=_HINT
            ) from error
        if done.returncode:
            said = shown((done.stderr + done.stdout).strip(), _SHOWN)
            raise BenchError(
                f"the power was not switched (status {done.returncode}): "
                f"{said or 'the program said nothing'}",
                hint=_HINT,
            )

    return cycle
