"""How one firmware writes its lines: learnt at the start of a session, and held from then on.

Text has no checksum. What tells another way of writing from a damaged line is that a firmware
writes the same way each time: the first minutes of a session are listened to, what comes at least
twice is the firmware's own way, and a line that deviates from it later is a damaged one. A line
that is asked for again and comes again the same is the firmware's own after all.

What can't be seen any more, since more than the official way is understood: a digit that is lost or
changed in a score without a fixed number of decimals. `Dialect.loose` says where that is so; the
scores are asked for twice then.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tinyhil.device.protocol.lines import NOT_TEXT, Damaged, Line
from tinyhil.device.protocol.messages import (
    BEGIN,
    DeviceComplaint,
    Found,
    InitDone,
    LapUs,
    Message,
    Other,
    Results,
    find,
    numbers,
    without_end,
)

Trait = tuple[str, str]
"""A kind of peculiarity, and which it is: ``end`` the bytes between two lines, ``before`` text
before a message, ``after`` text behind one, ``behind`` blanks at the end, ``scores`` their form,
``own`` a line of the firmware's own, ``word`` the first word of one."""

_DIGITS = re.compile(r"\d+")
_WORD = re.compile(r"[^A-Za-z]*([A-Za-z]{2,})")
_REPEATED = re.compile(r"([^A-Za-z0-9])\1+")
"""Dots, or a bar that grows."""
_FREE, _NONE = "free", "none"
_ENOUGH = 2
"""How often a trait must come to be the firmware's own."""
_MOST_DOUBTS = 64
_CUT_STAMP = (
    "a line that begins with a digit stands behind a time stamp, and may be the rest of it: let "
    "nothing else be written within a line, and begin lines for people with a word"
)
_PRINTS_BYTES = "db print"


class UnknownLineError(Exception):
    """A line that is damaged, or that this firmware has not written before; its text, if it has
    one, is the cause."""


@dataclass(frozen=True)
class Dialect:
    """What a firmware's lines are like. One without traits knows the bare messages alone."""

    traits: frozenset[Trait] = frozenset()

    @property
    def loose(self) -> bool:
        """Whether a lost digit of a score could go unseen: they are whole numbers, or differ in
        their decimals."""
        learnt = [form.split(" ") for kind, form in self.traits if kind == "scores"]
        forms = {form[1] for form in learnt} - {_NONE}
        # A single score has no neighbour whose decimals show that its own are free.
        alone = any(form[0] == "1" and form[1] != "3" for form in learnt)
        return alone or len(forms) > 1 or bool(forms & {_FREE, "0"})

    def knows(self, line: Line | Damaged, command: str) -> bool:
        """Whether the firmware writes such lines in answer to this command."""
        traits = dict(traits_of(line, command))
        missing = {kind: it for kind, it in traits.items() if (kind, it) not in self.traits}
        learnt = {kind for kind, _ in self.traits}
        if "end" not in learnt or (command.startswith(_PRINTS_BYTES) and self._blank(line.gap)):
            missing.pop("end", None)
        if "word" in traits and "word" not in missing:
            missing.pop("own", None)  # It begins as one that is known, and goes on in another way.
        scores = traits.get("scores", "")
        if "scores" not in learnt or scores == f"0 {_NONE}" or self._free(scores):
            missing.pop("scores", None)
        return not missing

    def _free(self, scores: str) -> bool:
        count, _, rest = scores.partition(" ")
        _, comma, _ = rest.partition(" comma")
        return ("scores", f"{count} {_FREE}{comma}") in self.traits

    def _blank(self, gap: bytes) -> bool:
        """Whether it is a known line end, twice: what is printed there is compared anyway."""
        half = gap[: len(gap) // 2]
        return half * 2 == gap and ("end", half.decode("ascii")) in self.traits

    def with_traits(self, more: Iterable[Trait]) -> Dialect:
        """The same, and these."""
        return Dialect(self.traits.union(more))


def traits_of(line: Line | Damaged, command: str) -> Iterator[Trait]:
    """What is peculiar to a line of the answer to `command`, its echo set aside."""
    if line.gap:
        yield "end", line.gap.decode("ascii")
    if isinstance(line, Damaged):
        yield from _own(line.raw.decode("latin-1"), command)
        return
    found = find(line.text)
    if isinstance(found.message, Other):
        yield from _own(line.text, command)
        return
    bare = without_end(line.text)
    if found.begin:
        yield "before", _REPEATED.sub(r"\1", _form(line.text[: found.begin], command))
    if found.end < len(bare):
        # As it is: a digit may become a blank, which would make two of one.
        yield "after", _form(bare[found.end :], command)
    if len(bare) < len(line.text):
        # A digit may become a blank: what ends in one is told apart from the rest.
        yield "behind", f"{'digit' if bare[-1].isalnum() else 'other'}{line.text[len(bare) :]!r}"
    if isinstance(found.message, Results):
        yield "scores", _form_of_scores(bare[found.begin : found.end])


def is_broken(line: Line | Damaged) -> bool:
    """Whether a line that is no message was meant to be one: its beginning is there."""
    text = line.text if isinstance(line, Line) else line.raw.decode("latin-1")
    return BEGIN.search(text) is not None


def _own(text: str, command: str) -> Iterator[Trait]:
    form = _REPEATED.sub(r"\1", _form(text, command))
    yield "own", form
    word = _WORD.match(form)
    if word:
        yield "word", word[1]


def _form(text: str, command: str) -> str:
    """What stays the same: without numbers, and with a mark where the command is echoed."""
    bare = command.removesuffix("%")
    return _DIGITS.sub("#", text.replace(bare, "%echo") if bare else text)


def _form_of_scores(bare: str) -> str:
    """How many they are, and how many decimals all of them have."""
    scores = numbers(bare[bare.index("[") + 1 : -1])
    decimals = {
        len(score.partition(".")[2]) if "e" not in score.lower() else -1 for score in scores
    }
    form = str(decimals.pop()) if len(decimals) == 1 and -1 not in decimals else _FREE
    return f"{len(scores)} {form if scores else _NONE}{' comma' if bare.endswith(',]') else ''}"


class Listener:
    """Tells messages, lines of the firmware's own and damaged ones apart."""

    def __init__(self) -> None:
        self.dialect: Dialect | None = None
        """None until it has been learnt: what is no message is passed over then."""
        self._heard: Counter[Trait] | None = None
        self._doubts: dict[str, set[frozenset[Trait]]] = {}
        self._seldom: set[frozenset[Trait]] = set()
        self._cut_stamp: bool | None = None
        """Whether text stands behind the time stamp that came last; None: it is complete."""

    def begin(self) -> None:
        """Listen, to learn."""
        self.dialect = None
        self._heard = Counter()

    def end(self) -> Dialect:
        """What has come often enough since `begin` is held from now on."""
        heard, self._heard = self._heard or Counter(), None
        self.dialect = Dialect(frozenset(trait for trait, n in heard.items() if n >= _ENOUGH))
        return self.dialect

    @property
    def unsure(self) -> bool:
        """Whether something was heard, but not often enough."""
        return any(count < _ENOUGH for count in (self._heard or {}).values())

    def give_up(self) -> None:
        """Nothing has been learnt."""
        self.dialect = self._heard = None

    def take(self, line: Line | Damaged, command: str) -> Message | None:
        """The message of a line, or None for a line of the firmware's own.

        Raises:
            UnknownLineError: it is damaged, or not written as this firmware writes.
        """
        found = Found(Other("")) if isinstance(line, Damaged) else find(line.text)
        message = found.message
        if isinstance(message, DeviceComplaint | InitDone):
            return message  # The answer is lost in any case.
        if isinstance(message, Other) and is_broken(line):
            raise UnknownLineError
        if self._is_rest_of_stamp(line, found):
            raise UnknownLineError(_CUT_STAMP)
        if self._heard is not None:
            self._heard.update(set(traits_of(line, command)))
        elif self.dialect is None:
            # Lines that are not ASCII may be the firmware's own; one without end is none.
            if isinstance(line, Damaged) and line.reason != NOT_TEXT:
                raise UnknownLineError
        elif not self._is_bare(line, found) and not self.dialect.knows(line, command):
            self._doubt(line, command)
        return None if isinstance(message, Other) else message

    def ended(self, command: str) -> None:
        """The answer to a command has come whole, as it should be."""
        self._doubts.pop(command, None)

    def _is_rest_of_stamp(self, line: Line | Damaged, found: Found) -> bool:
        """Whether the line may hold the last digits of the time stamp before it: where a line end,
        or another task's line, stands within each stamp, it would be learnt as the firmware's."""
        if isinstance(found.message, Other):
            cut, self._cut_stamp = self._cut_stamp, self._cut_stamp is True or None
            digits = line.shown[: None if cut is False else 1]
            return cut is not None and digits.isdigit()
        behind = without_end(line.text)[found.end :].strip() if isinstance(line, Line) else ""
        is_stamp = isinstance(found.message, LapUs)
        self._cut_stamp = bool(behind and not behind.startswith("us")) if is_stamp else None
        return False

    def _is_bare(self, line: Line | Damaged, found: Found) -> bool:
        """Whether nothing is peculiar to a message but its end, which is known; a short way."""
        return (
            self.dialect is not None
            and isinstance(line, Line)
            and not isinstance(found.message, Other | Results)
            and (found.begin, found.end) == (0, len(line.text))
            and ("end", line.gap.decode("ascii")) in self.dialect.traits
        )

    def _doubt(self, line: Line | Damaged, command: str) -> None:
        """The wire does not damage a line twice in the same way; and none of its damages has a
        word that is no message, so such a line may come to another command the second time."""
        assert self.dialect is not None
        for kept in (self._doubts, self._seldom):
            if len(kept) > _MOST_DOUBTS:
                kept.clear()
        traits = frozenset(traits_of(line, command))
        seldom = any(kind == "word" for kind, _ in traits) and not is_broken(line)
        doubts = self._seldom if seldom else self._doubts.setdefault(command, set())
        if traits not in doubts:
            doubts.add(traits)
            raise UnknownLineError
        self.dialect = self.dialect.with_traits(traits)
