"""Boards that labgrid hands out. It is the queue, the lock that counts is at the board: `agent`."""

from __future__ import annotations

import json
import re
import socket
import subprocess
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress

from tinyhil.catalog.bench import Station
from tinyhil.catalog.places import ALL_FREE, PREFIX, Wanted, is_place
from tinyhil.catalog.wiring import Wiring, check_wiring
from tinyhil.device.far import coordinator, notes
from tinyhil.device.far.coordinator import Place
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import BenchError, ConfigError, TakenError
from tinyhil.ground.text import shown

_LOOK_S, _ALL_S = 1.0, 10.0
_STATUS = "`tinyhil farm status` shows all places, and who holds them"
_TABLES = ("flash", "power")
"""Of a bench file's station."""


def resolved(words: Sequence[str], wait_s: float, tell: Callable[[str], None]) -> list[str]:
    """Choices for ``--hil-board``, each place of labgrid with its type: ``labgrid:PLACE@TYPE``.

    Args:
        words: as the user gave them; ``labgrid:*`` is every place that is free now.
        wait_s: how long to wait for a coordinator that is starting again, and for a free place.
        tell: is told so.

    Raises:
        BenchError: the coordinator does not answer, or no place is free.
    """
    deadline = Deadline.after(wait_s)
    asked = [word for word in words if is_place(word) and not set("=@") & set(word)]
    if not asked:
        return [*words]
    known = coordinator.once_there(coordinator.places, deadline, tell)
    if ALL_FREE in asked:
        known = _once_free(known, deadline, tell)
    found: list[str] = []
    for word in words:
        text = word.removeprefix(PREFIX)
        fitting = [one for one in known if (one.free if word == ALL_FREE else one.name == text)]
        if word in asked and not fitting:
            raise BenchError(f"labgrid has no '{text}'", hint=_STATUS)
        found += [f"{PREFIX}{one.name}@{one.type}" for one in fitting] if word in asked else [word]
    return found


def _once_free(
    known: tuple[Place, ...], deadline: Deadline, tell: Callable[[str], None]
) -> tuple[Place, ...]:
    """All places, once one of them is free.

    Raises:
        BenchError: none is in time.
    """
    told = False
    while not any(one.free for one in known):
        problem = "no place of labgrid is free"
        if deadline.expired:
            raise BenchError(problem, hint=f"{_STATUS}; --hil-wait SECONDS waits for one")
        if not told:
            told = True
            tell(f"{problem}; waiting for one up to {deadline.remaining():.0f} s")
        deadline.pause(_ALL_S)
        known = coordinator.once_there(coordinator.places, deadline, tell)
    return known


def at_place(station: Station, place: Place) -> Station:
    """A station as the exporter of its place says that it is wired.

    Raises:
        ConfigError: the exporter's file says something that is wrong, or another type of board.
        BenchError: no exporter offers it.
    """
    where = f"labgrid's place '{place.name}'"
    if place.board is None:
        raise _unoffered(place.name)
    values = {key: _value(key, one) for key, one in place.board.items() if key != "extra"}
    if values.get("host") == socket.gethostname():
        del values["host"]
    if station.wiring and station.wiring.power:
        values.setdefault("power", station.wiring.power.model_dump(exclude_unset=True))
    wiring = Wiring.checked(
        {"board": station.board.name, **values}, f"{where}: {coordinator.BOARD}"
    )
    if wiring.board != station.board.name:
        raise ConfigError(
            f"{where} has a '{wiring.board}', and '{station.board.name}' is wanted",
            hint="correct the tag 'board' of the place, or its exporter's file",
        )
    key = f"{where}: key '{coordinator.BOARD}'"
    check_wiring(key, wiring, station.board, at_place=True)
    return Station(station.name, wiring.board_of(station.board), wiring)


def _unoffered(place: str) -> BenchError:
    return BenchError(
        f"no exporter offers a {coordinator.BOARD} for labgrid's place '{place}'",
        hint="see that the exporter of its host runs, and what its place matches: "
        f"`labgrid-client -p {place} show`",
    )


def _value(key: str, told: object) -> object:
    """What an exporter tells; labgrid hands tables on as text alone."""
    if key not in _TABLES or not isinstance(told, str):
        return told
    try:
        return json.loads(told)
    except (ValueError, RecursionError):
        return told  # It is refused by its key.


@contextmanager
def acquired(
    wanted: Wanted, *, wait_s: float = 0.0, tell: Callable[[str], None] = lambda _: None
) -> Iterator[Place]:
    """Hold a place; it is released on every way out.

    Args:
        wanted: which.
        wait_s: how long to wait while all of them are in use.
        tell: is told who we wait for, and of a place that could not be released.

    Raises:
        TakenError: all are in use, by whom.
        BenchError: there is no such place, or the coordinator does not answer.
    """
    deadline = Deadline.after(wait_s)
    with ExitStack() as reservation:
        got, fitting = coordinator.once_there(
            lambda: _had(wanted, deadline, tell, reservation), deadline, tell
        )
        try:
            with notes.noted(got, coordinator.user_name()):
                # One that has come since then is looked up.
                known = fitting if any(one.name == got for one in fitting) else coordinator.known()
                found = next((one for one in known if one.name == got), Place(got))
                yield coordinator.exported(found)
        finally:
            _release(got, tell)


def _had(
    wanted: Wanted, deadline: Deadline, tell: Callable[[str], None], reservation: ExitStack
) -> tuple[str, Sequence[Place]]:
    """Acquire a place: its name, and all that fit."""
    reservation.close()  # Of the try before.
    name, fitting = reservation.enter_context(_token(wanted, deadline, tell))
    try:
        return _acquire(name, wanted, deadline, tell), fitting
    except TakenError:
        raise
    except BaseException:  # Whether it is ours now, only the coordinator knows.
        _release(name, tell)
        raise


def _acquire(name: str, wanted: Wanted, deadline: Deadline, tell: Callable[[str], None]) -> str:
    told, passed = "", set[str]()
    while True:
        done = coordinator.asked("-p", name, "acquire")
        got = re.search(r"^acquired place (\S+)$", done.stdout, re.MULTILINE)
        if not done.returncode and got:
            return got[1]
        said = done.stderr + done.stdout
        if "no matching remote resource" in said:
            # labgrid gives out such places too, while others are free.
            passed.add(name)
            if other := _offered(wanted, passed):
                name = other
                continue
            error: BenchError = _unoffered(name)
        elif re.search("acquired|reserved", said):
            error = _taken(wanted)
        else:
            raise coordinator.failed(done)
        if deadline.expired:
            raise error
        if error.message != told:
            told = error.message
            tell(f"{told}; waiting for it up to {deadline.remaining():.0f} s")
        deadline.pause(_LOOK_S)


def _offered(wanted: Wanted, passed: Collection[str]) -> str:
    """A place with the tags that are wanted, and was not passed by, that is free and offered."""
    free = (one.name for one in coordinator.places() if one.free and _fits(one, wanted))
    return next((name for name in free if name not in passed), "")


@contextmanager
def _token(
    wanted: Wanted, deadline: Deadline, tell: Callable[[str], None]
) -> Iterator[tuple[str, Sequence[Place]]]:
    """What `labgrid-client -p` takes: a place that is there, or ``+`` and a reservation's token;
    and the places that fit.

    Raises:
        TakenError: nobody gave the reservation a place in time.
        BenchError: there is no such place.
    """
    fitting = [place for place in coordinator.known() if _fits(place, wanted)]
    if not fitting:
        raise BenchError(
            f"labgrid has no place {_described(wanted)}",
            hint="`labgrid-client -v places` shows all; correct the name or the tags, or create it",
        )
    if wanted.place:  # By exactly this name: labgrid's own client takes a part of one.
        yield wanted.place, fitting
        return
    said = coordinator.call(
        "reserve", "--shell", *(f"{key}={value}" for key, value in wanted.tags.items())
    )
    found = re.search(r"LG_TOKEN=(\w+)", said)
    if not found:
        raise BenchError(
            f"labgrid made no reservation: {shown(said.strip(), 300)}", hint=coordinator.HINT
        )
    token = found[1]
    try:
        _await(token, wanted, deadline, tell)
        yield f"+{token}", fitting
    finally:
        with suppress(BenchError):
            coordinator.run("cancel-reservation", token)


def _await(token: str, wanted: Wanted, deadline: Deadline, tell: Callable[[str], None]) -> None:
    """Wait until a reservation has its place; to ask for it keeps it alive."""
    told = False
    while True:
        with suppress(subprocess.TimeoutExpired):
            done = coordinator.run(
                "wait", token, timeout_s=min(30.0, max(5.0, deadline.remaining()))
            )
            if not done.returncode and re.search(r"^state: allocated$", done.stdout, re.MULTILINE):
                return
            if done.returncode:
                raise coordinator.failed(done)
        error = _taken(wanted)
        if deadline.expired:
            raise error
        if not told:
            told = True
            tell(f"{error.message}; waiting for one up to {deadline.remaining():.0f} s")


def _release(name: str, tell: Callable[[str], None]) -> None:
    """Give a place back; what was measured must not be lost because that fails."""
    try:
        done = coordinator.run("-p", name, "release")
    except (BenchError, subprocess.TimeoutExpired) as error:
        tell(f"labgrid's place '{name}' may not be released: {error}")
        return
    said = done.stdout + done.stderr
    if done.returncode and "is not acquired" not in said and "matches nothing" not in said:
        tell(f"labgrid's place '{name}' could not be released: {shown(said.strip(), 300)}")


def _taken(wanted: Wanted) -> TakenError:
    fitting = [place for place in coordinator.places() if _fits(place, wanted)]
    users = [
        f"'{place.name}' by {place.holder}" if place.holder
        else f"'{place.name}' {'is reserved' if place.board else 'has no exporter'}"
        for place in fitting
    ]  # fmt: skip
    return TakenError(
        f"no place {_described(wanted)} is free: {', '.join(users)}",
        hint="wait for one with --hil-wait SECONDS, or have its holder give it back: "
        "`labgrid-client -p PLACE release`",
    )


def _fits(place: Place, wanted: Wanted) -> bool:
    if wanted.place:
        return place.name == wanted.place
    return all(place.tags.get(key) == value for key, value in wanted.tags.items())


def _described(wanted: Wanted) -> str:
    tags = ", ".join(f"{key}={value}" for key, value in wanted.tags.items())
    return f"'{wanted.place}'" if wanted.place else f"with the tags {tags}"
