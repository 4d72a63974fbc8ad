"""labgrid's coordinator, asked by the program `labgrid-client`.

It is called as a program, because labgrid's own packages have a pyserial that replaces the user's:
it lives in an environment of its own, which uv (of the extra ``farm``) makes where it is needed.
"""

from __future__ import annotations

import ast
import getpass
import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, TypeVar

from tinyhil.catalog.wiring import Wiring
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import BenchError
from tinyhil.ground.extras import how_to_get, installed
from tinyhil.ground.living import name_of_process
from tinyhil.ground.processes import run_group
from tinyhil.ground.text import shown

PROGRAM_VARIABLE = "TINYHIL_LABGRID"
"""Environment variable with the program, where it is not found by its name."""
_LABGRID = "labgrid>=26,<27"
BOARD = "TinyhilBoard"
"""The class of resource that says how a board is reached; labgrid need not know it."""
_CALL_S = 60.0
"""The first call may have to fetch labgrid; later ones take a second."""
_READ, _SHOWN = 4000, 400
_MOST_SAID = 8 << 20
"""Characters of a list; a thousand boards take one or two million."""
_LOOK_S = 1.0
_AWAY: Final = re.compile(
    "could not connect|failed to connect|socket closed|unavailable|reservation token .* matches no",
    re.IGNORECASE,
)
"""What labgrid's client says where the coordinator is gone, or was and has forgotten who waits."""
_Answer = TypeVar("_Answer")
_QUARANTINED = "quarantined"
"""Tag that takes the place of ``board``."""
_CLASS = """\
import attr
from labgrid.factory import target_factory
from labgrid.resource.common import Resource

keys = {{key: attr.ib(default=None) for key in {keys}}}
target_factory.reg_resource(attr.make_class("{name}", keys, bases=(Resource,), eq=False))
"""
"""For labgrid's Python: our class of resource, with what an exporter may say of a board."""
HINT = "see that labgrid's coordinator runs, and that LG_COORDINATOR names its host and port"


class _AwayError(BenchError):
    """The coordinator does not answer, or has lost what it knew of us: it may be starting again."""


@dataclass(frozen=True)
class Place:
    """A board that labgrid hands out."""

    name: str
    tags: Mapping[str, str] = field(default_factory=dict)
    holder: str = ""
    """Host and user that have acquired it."""
    reservation: str = ""
    """Token of whoever waits for it."""
    matches: tuple[str, ...] = ()
    """Patterns of the resources that belong to it."""
    comment: str = ""
    board: Mapping[str, Any] | None = None
    """How it is reached, as its exporter says; None: no exporter offers it now."""

    @property
    def type(self) -> str:
        """Name of the board's type: by the tag ``board``, else as its exporter says."""
        return self.tags.get("board") or str((self.board or {}).get("board", ""))

    @property
    def quarantined(self) -> str:
        """Its type, if nobody gets it; see `quarantine`."""
        return self.tags.get(_QUARANTINED, "")

    @property
    def free(self) -> bool:
        """Whether it can be acquired now."""
        taken = self.holder or self.reservation or self.quarantined
        return not taken and self.board is not None


def client() -> list[str]:
    """How `labgrid-client` is started.

    Raises:
        BenchError: there is none.
    """
    given = os.environ.get(PROGRAM_VARIABLE)
    if given:
        return shlex.split(given)
    own = shutil.which("labgrid-client")
    if own:
        return [own]
    if installed("uv"):
        from uv import find_uv_bin  # noqa: PLC0415 - of the extra

        return [find_uv_bin(), "tool", "run", "--quiet", "--from", _LABGRID, "labgrid-client"]
    raise BenchError(
        "boards of labgrid need the program labgrid-client, which is not installed",
        hint=f"{how_to_get('farm')}, or install labgrid in an environment of its own and name its "
        f"program in {PROGRAM_VARIABLE}",
    )


def places() -> tuple[Place, ...]:
    """Every place that the coordinator knows, with what is exported for it now.

    Raises:
        BenchError: the coordinator does not answer.
    """
    found = known()
    boards = _boards(_listed("Exporter ", "-vv", "resources"))
    return tuple(_with_board(place, boards) for place in found)


def known() -> tuple[Place, ...]:
    """Every place, but without what is exported for it: half of what `places` costs.

    Raises:
        BenchError: the coordinator does not answer.
    """
    return tuple(_places(_listed("Place ", "-v", "places")))


def exported(place: Place) -> Place:
    """The place with what is exported for it now.

    Raises:
        BenchError: the coordinator does not answer.
    """
    return _with_board(place, _boards(_listed("Exporter ", "-vv", "resources")))


def quarantine(name: str, reason: str) -> None:
    """Let nobody have a place by its type, on any host, until `take_back`.

    The type goes from one tag to another, so that labgrid's own reservations leave it out too.

    Raises:
        BenchError: there is no such place, or it has no tag with its type.
    """
    kind = _named(name).tags.get("board", "")
    if not kind:
        raise BenchError(
            f"labgrid's place '{name}' has no tag 'board', or is in quarantine already",
            hint="`tinyhil farm status` shows every place",
        )
    call("-p", name, "set-tags", "board=", f"{_QUARANTINED}={kind}")
    call("-p", name, "set-comment", reason)


def take_back(name: str) -> None:
    """End a quarantine.

    Raises:
        BenchError: there is no such place, or it is not in quarantine.
    """
    kind = _named(name).quarantined
    if not kind:
        raise BenchError(
            f"labgrid's place '{name}' is not in quarantine",
            hint="`tinyhil farm status` shows every place",
        )
    call("-p", name, "set-tags", f"board={kind}", f"{_QUARANTINED}=")
    call("-p", name, "set-comment", "")


def cycle_power(place: str, timeout_s: float) -> subprocess.CompletedProcess[str]:
    """Have labgrid switch a place's power off and on, by its power driver.

    labgrid refuses to drive a place with a resource whose class it does not know: it is told of
    ours by a file that it imports.

    Args:
        place: that we hold.
        timeout_s: how long it may take.

    Raises:
        BenchError: labgrid's client can't be started.
        TimeoutExpired: it did not end.
    """
    with TemporaryDirectory(prefix="tinyhil-") as scratch:
        known, environment = Path(scratch, "tinyhil_board.py"), Path(scratch, "environment.yaml")
        known.write_text(_CLASS.format(name=BOARD, keys=[*Wiring.model_fields]), encoding="utf-8")
        target = {"resources": {"RemotePlace": {"name": place}}}
        told = {"imports": [str(known)], "targets": {"main": target}}
        environment.write_text(json.dumps(told), encoding="utf-8")  # Which is YAML too.
        config = ("-c", str(environment))
        return run(*config, "-p", place, "power", "cycle", timeout_s=timeout_s)


def _named(name: str) -> Place:
    """The place of exactly this name: labgrid's own client takes a part of one."""
    for place in known():
        if place.name == name:
            return place
    raise BenchError(
        f"labgrid has no place '{name}'", hint="`tinyhil farm status` shows every place"
    )


def user_name() -> str:
    """As whom we hold places: each process of ours is a user of its own, so that none gives back
    what another one holds, and everybody on its host can tell whether it lives."""
    return f"{os.environ.get('LG_USERNAME') or getpass.getuser()}.{name_of_process()}"


def run(
    *arguments: str, timeout_s: float = _CALL_S, user: str = ""
) -> subprocess.CompletedProcess[str]:
    """Call labgrid's client.

    Args:
        arguments: of it.
        timeout_s: how long it may take.
        user: as whom; this process by default.

    Raises:
        BenchError: it can't be started.
        TimeoutExpired: it did not end.
    """
    command = [*client(), *arguments]
    try:
        return run_group(command, timeout_s, variables={"LG_USERNAME": user or user_name()})
    except OSError as error:
        raise BenchError(
            f"'{shown(command[0])}' cannot be started: {error.strerror}",
            hint=f"correct {PROGRAM_VARIABLE}, or {how_to_get('farm')}",
        ) from error


def asked(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Call labgrid's client, as `run`.

    Raises:
        BenchError: it can't be started, or does not answer in its time.
    """
    try:
        return run(*arguments)
    except subprocess.TimeoutExpired as error:
        raise _AwayError(f"labgrid-client did not answer in {_CALL_S:g} s", hint=HINT) from error


def call(*arguments: str) -> str:
    done = asked(*arguments)
    if done.returncode:
        raise failed(done)
    return done.stdout


def _listed(head: str, *arguments: str) -> str:
    """What the client lists: nothing, or parts that begin with `head`; comments may have lines.

    Raises:
        BenchError: it does not answer, or with something else, which must not look like a farm
            without boards.
    """
    said = call(*arguments)
    if len(said) > _MOST_SAID:
        raise _odd(f"more than {_MOST_SAID >> 20} MB")
    if said.strip() and not re.search(f"^{head}", said, re.MULTILINE):
        raise _odd(f"'{shown(said.strip().splitlines()[0], 100)}'")
    return said


def _odd(what: str) -> BenchError:
    return BenchError(
        f"labgrid-client says what no version that is known says: {what}",
        hint=f"see that '{shlex.join(client())}' is labgrid's client, {_LABGRID}",
    )


def failed(done: subprocess.CompletedProcess[str]) -> BenchError:
    said = shown(" ".join(f"{done.stderr[:_READ]} {done.stdout[:_READ]}".split()), _SHOWN)
    kind = _AwayError if _AWAY.search(said) else BenchError
    return kind(f"labgrid-client failed: {said or 'it said nothing'}", hint=HINT)


def once_there(
    ask: Callable[[], _Answer], deadline: Deadline, tell: Callable[[str], None] = lambda _: None
) -> _Answer:
    """What `ask` returns, once the coordinator answers: one that starts again is waited for.

    Args:
        ask: is called again from its beginning, as what it has reserved is forgotten.
        deadline: until when.
        tell: is told once what we wait for.

    Raises:
        BenchError: it does not answer in time.
    """
    told = False
    while True:
        try:
            return ask()
        except _AwayError as error:
            if deadline.expired:
                raise
            if not told:
                told = True
                tell(f"{error.message}; waiting for it up to {deadline.remaining():.0f} s")
            deadline.pause(_LOOK_S)


def _places(text: str) -> list[Place]:
    """What `labgrid-client -v places` prints."""
    found = []
    for part in re.split(r"^Place ", text, flags=re.MULTILINE)[1:]:
        head, _, body = part.partition("\n")
        keys = dict(re.findall(r"^  (\w+): (.+)$", body, re.MULTILINE))
        block = re.search(r"^  matches:\n((?:    .+\n)*)", body, re.MULTILINE)
        tags = (tag.split("=", 1) for tag in keys.get("tags", "").split(", ") if "=" in tag)
        holder = keys.get("acquired", "None")
        found.append(
            Place(
                head.strip().strip("':"),
                dict(tags),
                "" if holder == "None" else holder,
                keys.get("reservation", ""),
                tuple(block[1].split()) if block else (),
                keys.get("comment", ""),
            )
        )
    return found


def _boards(text: str) -> dict[str, Mapping[str, Any]]:
    """What `labgrid-client -vv resources` prints of our class, by exporter, group, class, name."""
    found: dict[str, Mapping[str, Any]] = {}
    for part in re.split(r"^    Resource ", text, flags=re.MULTILINE)[1:]:
        head, _, body = part.partition("\n")
        name = re.fullmatch(r"'.*' \((\S+)/(\S+)/(\S+)\[/(\S+)\]\):", head)
        if not name or name[3] != BOARD:
            continue
        lines = re.match(r"(?:      .*\n?)*", body)
        with suppress(ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            facts = ast.literal_eval(lines[0].strip() if lines else "")
            if facts["avail"] and isinstance(facts["params"], dict):
                found["/".join(name.groups())] = facts["params"]
    return found


def _with_board(place: Place, boards: Mapping[str, Mapping[str, Any]]) -> Place:
    """The place with the first board that its patterns match."""
    for match in place.matches:
        pattern = [re.escape(part).replace(r"\*", ".*") for part in match.split("/")]
        for path, params in boards.items():
            parts = path.split("/")
            if all(re.fullmatch(one, part) for one, part in zip(pattern, parts, strict=False)):
                return replace(place, board=params)
    return place
