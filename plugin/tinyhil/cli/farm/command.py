"""``tinyhil farm``: what serves the boards of a host to runs on others."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tinyhil.catalog.bench import stations
from tinyhil.catalog.board import load_boards
from tinyhil.catalog.wiring import Wiring
from tinyhil.cli.farm.exporter import default_host, text_of
from tinyhil.cli.farm.status import FarmStatus, status
from tinyhil.device import quarantine
from tinyhil.device.far import agent, coordinator
from tinyhil.device.far.janitor import Swept, sweep
from tinyhil.ground.answer import Answer, add_format, answered
from tinyhil.ground.errors import BenchError, ConfigError
from tinyhil.ground.help import HelpText
from tinyhil.ground.project import project_around
from tinyhil.ground.tables import show_fitted
from tinyhil.ground.text import say
from tinyhil.ground.text import shown as text_shown

_SERVE = """\
A run on another host starts this through ssh, for a station with 'host' in its bench file; you need
not. It locks the board here, serves its probe and its port on the loopback interface, and ends when
its input ends, or is silent for 30 s.
"""


_EPILOG = """\
examples:
  tinyhil farm status                            every board, and who holds it
  tinyhil farm exporter --host bench1.lab        what labgrid needs to offer this host's boards
  tinyhil farm quarantine l4-3 --reason 'worn'   nobody gets this board any more
  tinyhil farm return l4-3                       it can be used again

next: `pytest suites --hil-board 'labgrid:*' -n auto` tests every board that is free
"""
_EXPORTER = """\
Print the file that labgrid's exporter needs to offer the boards of this host: of the bench file,
or, without one, of what is plugged in and tells which board it is.
"""
_EXPORTER_EPILOG = """\
examples:
  tinyhil farm exporter                               of bench.toml
  tinyhil farm exporter --host bench1.lab             where ssh leads here by that name

next: write it to farm.yaml; `labgrid-exporter --name HOST farm.yaml`; and once for each board the
commands in its comments
"""
_STATUS = """\
Show every board that labgrid knows: its host, who holds it, its health, how its last run ended, and
whether it is in quarantine; and the boards of this host that are in quarantine without labgrid. The
exit status is 1 if a board is not ok.
"""
_STATUS_EPILOG = """\
examples:
  tinyhil farm status
  tinyhil farm status --format json       the same for a dashboard

next: `pytest suites --hil-board 'labgrid:*'` tests every board that is free
"""
_SERVE_EPILOG = """\
examples:
  tinyhil farm serve --station lab-l4 --port /dev/ttyACM0 --baud 115200 --port-number 20001

next: name this host as 'host' of a station in bench.toml, on the host that runs pytest
"""
_QUARANTINE = """\
Let nobody get a board: by its type, on any host, if labgrid hands it out; else nobody who comes to
this host, for a station of its bench file. Its runs until now stay as they are.
"""
_QUARANTINE_EPILOG = """\
examples:
  tinyhil farm quarantine l4-3 --reason 'its flash is worn'

next: `tinyhil farm return l4-3` when it is well again
"""
_CLEAN = """\
Put right what labgrid leaves behind and is this host's: places that are held by a process of this
host which has ended; places that a run of this host uses and a restarted coordinator has forgotten;
servers of serial ports whose exporter has ended. What is of other hosts, they put right: any number
of them may do so at the same time. The exit status is 1 if something is not right then.
"""
_CLEAN_EPILOG = """\
examples:
  tinyhil farm clean --dry-run    only tell
  tinyhil farm clean              on each host that runs pytest or an exporter, before each night

next: `tinyhil farm status` shows every board
"""
_RETURN = "Let a board that was in quarantine be used again."
_RETURN_EPILOG = """\
examples:
  tinyhil farm return l4-3

next: `pytest suites --hil-board labgrid:l4-3` tries it
"""


@dataclass(frozen=True)
class Exporter(Answer):
    """What labgrid's exporter reads."""

    text: str
    """Of its file."""


@dataclass(frozen=True)
class Quarantine(Answer):
    """A board whose quarantine has begun or ended."""

    place: str
    """labgrid's name of it, or that of its station."""
    reason: str
    """Why nobody gets it; empty: it can be used again."""


@dataclass(frozen=True)
class Cleaned(Answer):
    """What was not as it should be; the exit status is 1 if something is not right now."""

    found: tuple[Swept, ...]
    """One thing each."""


@dataclass(frozen=True)
class Served(Answer):
    """A board that is served until the input ends; always one line, whatever the format."""

    ready: int
    """Version of what is said between the hosts."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command to argparse; `run` of the parsed options is what it does."""
    parser.description = "Boards of other hosts, handed out by labgrid or reached by ssh."
    parser.epilog = _EPILOG
    parser.formatter_class = HelpText
    kinds = parser.add_subparsers(required=True, metavar="WHAT")

    def command(name: str, text: str, about: str, epilog: str = "") -> argparse.ArgumentParser:
        made: argparse.ArgumentParser = kinds.add_parser(name, help=text)
        made.description, made.epilog = about, epilog
        made.formatter_class = HelpText
        return made

    shown = command("status", "show every board of the farm", _STATUS, _STATUS_EPILOG)
    shown.add_argument(
        "--runs", type=Path, metavar="DIR", help="folder of runs; default: reports/runs"
    )
    add_format(shown, FarmStatus)
    shown.set_defaults(run=_show)
    made = command("exporter", "print labgrid's file of this host", _EXPORTER, _EXPORTER_EPILOG)
    made.add_argument(
        "--bench", type=Path, metavar="FILE", help="default: the project's bench.toml"
    )
    made.add_argument("--host", help="where ssh leads to this host; default: its name")
    add_format(made, Exporter)
    made.set_defaults(run=_export)
    kept = command("quarantine", "let nobody get a board", _QUARANTINE, _QUARANTINE_EPILOG)
    kept.add_argument("place", help="labgrid's name of it, or that of its station")
    kept.add_argument("--reason", required=True, help="for everybody to see")
    add_format(kept, Quarantine)
    kept.set_defaults(run=_keep)
    back = command("return", "end a quarantine", _RETURN, _RETURN_EPILOG)
    back.add_argument("place", help="labgrid's name of it, or that of its station")
    add_format(back, Quarantine)
    back.set_defaults(run=_take_back)
    swept = command("clean", "put right what labgrid leaves behind", _CLEAN, _CLEAN_EPILOG)
    swept.add_argument("--dry-run", action="store_true", help="change nothing, only tell")
    add_format(swept, Cleaned)
    swept.set_defaults(run=_clean)
    text = "serve a board of this host to a run on another one"
    _add_serve(command("serve", text, _SERVE, _SERVE_EPILOG))


def _add_serve(serve: argparse.ArgumentParser) -> None:
    serve.add_argument("--station", required=True, help="its name, for messages")
    serve.add_argument("--probe", default="", help="as `pyocd list` shows it; none by default")
    serve.add_argument("--port", required=True, help="as in a bench file")
    serve.add_argument("--baud", type=int, required=True, help="at which the port is opened")
    serve.add_argument("--probe-number", type=int, default=0, help="TCP port for the probe")
    serve.add_argument("--port-number", type=int, required=True, help="TCP port for the port")
    serve.add_argument("--wait", type=float, default=0.0, help="for another user, in seconds")
    serve.add_argument("--by", default="", help="who asks; whoever waits for the board sees it")
    serve.add_argument("--quarantined", action="store_true", help="also a board in quarantine")
    add_format(serve, Served)
    serve.set_defaults(run=_serve)


def _show(options: argparse.Namespace, console: Console) -> int:
    found = status(options.runs or project_around(Path.cwd()).runs)
    wrong = any(row.health != "ok" for row in found.boards)
    if answered(options, found):
        return int(wrong)
    table = Table("place", "board", "host", "holder", "health", "last run", "verdict", box=None)
    for row in found.boards:
        health = f"{row.health}: {row.quarantine}" if row.quarantine else row.health
        last = (row.last_run or "-", row.last_verdict or "-")
        cells = (row.place, row.board, row.host, row.holder or "-", health, *last)
        table.add_row(*(Text(text_shown(cell)) for cell in cells))
    show_fitted(console, lambda _: table)
    if found.missing:
        say(console, f"Only boards of this host: {found.missing}.")
    return int(wrong)


def _export(options: argparse.Namespace, console: Console) -> int:
    del console
    project = project_around(Path.cwd())
    own = project.path("bench") or project.folder / "bench.toml"
    bench = options.bench or (own if own.is_file() else None)
    boards = load_boards(project.path("boards"))
    program = f"{sys.executable} -m tinyhil.cli.main"
    text = text_of(boards, bench, options.host or default_host(), program)
    if not answered(options, Exporter(text)):
        sys.stdout.write(text)
    return 0


def _keep(options: argparse.Namespace, console: Console) -> int:
    wiring, reason = _wiring(options.place), " ".join(options.reason.split())
    if not reason:
        raise ConfigError("--reason is empty", hint="say what is wrong, for everybody to see")
    if wiring is None or wiring.labgrid:
        with _also(f"no station '{options.place}' is wired to this host"):
            coordinator.quarantine(options.place, reason)
    elif wiring.host:
        raise _elsewhere(options.place, wiring.host, "quarantine NAME --reason TEXT")
    else:
        quarantine.keep_out(options.place, wiring.probe, wiring.port, reason)
    if not answered(options, Quarantine(options.place, reason)):
        say(console, f"{options.place} is in quarantine: {reason}")
    return 0


@contextmanager
def _also(said: str) -> Iterator[None]:
    """Tell of labgrid's failure what else was looked for."""
    try:
        yield
    except BenchError as error:
        error.message = f"{said}, and {error.message}"
        raise


def _elsewhere(name: str, host: str, command: str) -> BenchError:
    return BenchError(
        f"'{name}' is plugged into host {host}, whose quarantine is kept there",
        hint=f"on {host}: `tinyhil farm {command}`",
        board=name,
    )


def _wiring(name: str) -> Wiring | None:
    """How the project's bench file wires the station of this name, if it has one."""
    project = project_around(Path.cwd())
    bench = project.path("bench") or project.folder / "bench.toml"
    if not bench.is_file():
        return None
    found = stations(load_boards(project.path("boards")), bench).get(name)
    return found.wiring if found else None


def _take_back(options: argparse.Namespace, console: Console) -> int:
    if not quarantine.take_back(options.place):
        wiring = _wiring(options.place)
        if wiring and wiring.host:
            raise _elsewhere(options.place, wiring.host, f"return {options.place}")
        with _also(f"no board '{options.place}' of this host is in quarantine"):
            coordinator.take_back(options.place)
    if not answered(options, Quarantine(options.place, "")):
        say(console, f"{options.place} can be used again")
    return 0


def _clean(options: argparse.Namespace, console: Console) -> int:
    found = tuple(sweep(dry=options.dry_run))
    if not answered(options, Cleaned(found)):
        for one in found:
            who = f" ({text_shown(one.who)})" if one.who else ""
            end = "put right" if one.done else f"next step: {text_shown(one.hint)}"
            say(console, f"{text_shown(one.what)}: {one.kind}{who}; {end}")
        if not found:
            say(console, "nothing to put right")
    return int(not all(one.done for one in found))


def _serve(options: argparse.Namespace, console: Console) -> int:
    del console
    request = agent.Request(
        options.station,
        options.probe,
        options.port,
        options.baud,
        options.probe_number,
        options.port_number,
        options.wait,
        options.by,
        quarantined=options.quarantined,
    )
    return agent.serve(request, _say)


def _say(said: dict[str, Any]) -> None:
    """One line of JSON."""
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()
