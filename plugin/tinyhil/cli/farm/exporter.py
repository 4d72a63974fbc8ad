"""``tinyhil farm exporter``: what labgrid's exporter reads of the boards of this host."""

from __future__ import annotations

import json
import socket
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tinyhil.catalog.bench import Station, stations
from tinyhil.catalog.board import Board
from tinyhil.catalog.wiring import Wiring, check_wiring
from tinyhil.cli.bench.proposal import bench_file, places
from tinyhil.device.far.coordinator import BOARD
from tinyhil.flash import probes
from tinyhil.ground.errors import ConfigError

# labgrid reads its file as a template of jinja2, where a single # begins a statement.
_HEAD = """\
## The boards of this host, for: labgrid-exporter --name {host} FILE
## Made by `tinyhil farm exporter`; runs on other hosts reach {host} by ssh.
"""
_PLACE = """
## labgrid-client -p {name} create
## labgrid-client -p {name} add-match '{host}/{name}/*'
## labgrid-client -p {name} set-tags board={board}
"""


def text_of(boards: Mapping[str, Board], bench: Path | None, host: str, program: str) -> str:
    """The text of the file.

    Args:
        boards: the known types.
        bench: that lists what is wired to this host; None: what is plugged in, as far as it tells.
        host: where ssh leads to this one.
        program: tinyhil, as a shell of this host finds it.

    Raises:
        ConfigError: the bench file is wrong, or has no board of this host; or nothing that is
            plugged in tells which board it is.
    """
    wired = _of_bench(boards, bench) if bench else _plugged_in(boards)
    if not wired:
        raise ConfigError(
            f"{bench or 'what is plugged in'}: no board of this host is known",
            hint="`tinyhil doctor --write bench.toml` lists what is plugged in; say there which "
            "boards they are",
        )
    import yaml  # noqa: PLC0415 - slow

    parts = [_HEAD.format(host=host)]
    for name, wiring in wired.items():
        facts = wiring.model_dump(mode="json", exclude_defaults=True, exclude={"monitor"})
        facts = {**_told(facts), "host": host, "host_program": program}
        parts.append(_PLACE.format(name=name, host=host, board=wiring.board))
        parts.append(yaml.safe_dump({name: {BOARD: facts}}, sort_keys=False))
    return "".join(parts)


def _told(facts: Mapping[str, Any]) -> dict[str, Any]:
    """As labgrid hands it on: tables as text, for it takes none; `labgrid.at_place` reads them."""
    tables = (dict, list)
    return {key: json.dumps(one) if isinstance(one, tables) else one for key, one in facts.items()}


def default_host() -> str:
    """The name of this host."""
    return socket.gethostname()


def _of_bench(boards: Mapping[str, Board], bench: Path) -> dict[str, Wiring]:
    known: dict[str, Station] = stations(boards, bench)
    wired = {name: station.wiring for name, station in known.items() if station.wiring}
    return {name: wiring for name, wiring in wired.items() if not (wiring.host or wiring.labgrid)}


def _plugged_in(boards: Mapping[str, Board]) -> dict[str, Wiring]:
    """The stations that `tinyhil doctor --write` would propose as complete."""
    from serial.tools.list_ports import comports  # noqa: PLC0415 - slow

    text = bench_file(places(probes(), sorted(comports())), boards, None)
    found: dict[str, Any] = tomllib.loads(text).get("stations", {})
    wired = {name: Wiring.checked(values, name) for name, values in found.items()}
    for name, wiring in wired.items():
        check_wiring(f"key 'stations.{name}'", wiring, boards[wiring.board])
    return wired
