"""``tinyhil farm``: what serves the boards of a host to runs on others."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from rich.console import Console

from tinyhil.device.far import agent

HELP = "boards of other hosts"

_SERVE = """\
A run on another host starts this through ssh, for a station with 'host' in its bench file; you need
not. It locks the board here, serves its probe and its port on the loopback interface, and ends when
its input ends, or is silent for 30 s.
"""


def add_command(commands: Any) -> None:
    """Say what the commands take, and what does it."""
    farm = commands.add_parser("farm", help=HELP, description="Boards of other hosts.")
    kinds = farm.add_subparsers(required=True, metavar="WHAT")
    serve = kinds.add_parser("serve", help="serve a board of this host to a run on another one")
    serve.description = _SERVE
    serve.formatter_class = argparse.RawDescriptionHelpFormatter
    serve.add_argument("--station", required=True, help="its name, for messages")
    serve.add_argument("--probe", default="", help="as `pyocd list` shows it; none by default")
    serve.add_argument("--port", required=True, help="as in a bench file")
    serve.add_argument("--baud", type=int, required=True, help="at which the port is opened")
    serve.add_argument("--probe-number", type=int, default=0, help="TCP port for the probe")
    serve.add_argument("--port-number", type=int, required=True, help="TCP port for the port")
    serve.add_argument("--wait", type=float, default=0.0, help="for another user, in seconds")
    serve.add_argument("--by", default="", help="who asks; whoever waits for the board sees it")
    serve.set_defaults(run=_serve)


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
    )
    return agent.serve(request, _say)


def _say(said: dict[str, Any]) -> None:
    """One line of JSON."""
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()
