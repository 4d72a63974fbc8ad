"""Why a model can't be compiled: all causes at once, and for each the step that helps against it.

A model may have thousands of operators, and be a stranger's: equal causes are told once, with the
numbers of some operators, and of different causes so many as fit a screen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tinyhil.ground.errors import DOCUMENTATION, ModelError
from tinyhil.ground.text import shown

_MOST_CAUSES: Final = 12
_MOST_NUMBERS: Final = 8
_MOST_CHARACTERS: Final = 600
"""Of one cause."""

DAMAGED: Final = "convert the model again, and copy the file once more: it is cut off or damaged"
OPERATOR: Final = (
    "change what is named above in the model, and convert it again; what each operator takes: "
    f"{DOCUMENTATION}operators/"
)
UNKNOWN: Final = (
    "use the operators that are known instead, or add one: a file in image/compiler/ops of the "
    "package, and a kernel in firmware/kernels/portable; another engine, such as TensorFlow Lite "
    "Micro, is taken too: `tinyhil new firmware`"
)
FLOAT: Final = (
    "quantize the model to int8 when you convert it, as is shown in "
    f"{DOCUMENTATION}kernels/#quantize-a-float-model"
)
REQUANTIZE: Final = (
    "quantize the model again, to int8 with symmetric weights and int32 biases, or to int16 with "
    "int64 biases, as is shown in "
    f"{DOCUMENTATION}kernels/#quantize-a-float-model"
)
ENDS_TYPE: Final = (
    "convert the model with inference_input_type and inference_output_type int8, or with operators "
    "QUANTIZE and DEQUANTIZE next to its ends"
)
WIDE: Final = (
    "quantize the model to int8 when you convert it, or use operators that take int16: "
    f"{DOCUMENTATION}operators/"
)
SHAPE: Final = "give the model's input a fixed shape, with a batch of 1, and convert it again"
ENDS: Final = "split the model, or join its inputs and outputs inside of it"
STATE: Final = (
    "convert the model without control flow and without signatures, and with variables of int8 "
    "that are set to constants once"
)
LARGE: Final = "choose a smaller model: this is beyond what the compiler reads"


@dataclass(frozen=True)
class Blocker:
    """One thing that keeps a model from being compiled."""

    what: str
    """What is wrong, after the name of what it is wrong with."""
    step: str
    """What helps."""
    operator: int | None = None
    """Index; None: it is the model's."""
    name: str = ""
    """The operator's, as in the TensorFlow Lite schema."""
    tensor: int | None = None
    """Index."""


Refuse = Callable[[Blocker], ModelError]
"""Makes the error of a model that has this blocker."""


class _RefusalError(ModelError):
    """One blocker as an error; `refused` makes one error of several."""

    def __init__(self, path: Path, blocker: Blocker) -> None:
        super().__init__(f"{path}: {_line([blocker])}", hint=blocker.step)
        self.blocker = blocker


def refusal(path: Path, blocker: Blocker) -> ModelError:
    """The error of a model that has this blocker."""
    return _RefusalError(path, blocker)


@contextmanager
def collected(found: list[Blocker]) -> Iterator[None]:
    """Where the block raises a `refusal`, it ends, and the blocker is added to `found`."""
    try:
        yield
    except _RefusalError as error:
        found.append(error.blocker)


def refused(path: Path, blockers: Sequence[Blocker], known: Iterable[str] = ()) -> ModelError:
    """The error of a model that has these blockers, at least one.

    Equal ones are one cause. The causes of the model as a whole come first, as they explain others.
    Where an operator is not known, those that are `known` follow.
    """
    causes: dict[tuple[object, ...], list[Blocker]] = {}
    told = {(one.tensor, one.what) for one in blockers if one.operator is not None}
    blockers = [  # without those of the model's ends that an operator tells of the same tensor
        one
        for one in blockers
        if one.operator is not None or one.tensor is None or (one.tensor, one.what) not in told
    ]
    for blocker in sorted(blockers, key=lambda blocker: blocker.operator is not None):
        key = (blocker.operator is None, blocker.name, blocker.what, blocker.step)
        causes.setdefault(key, []).append(blocker)
    steps = dict.fromkeys(blocker.step for group in causes.values() for blocker in group)
    names = f"known are {', '.join(sorted(known))}"
    if len(causes) == 1:
        text = f"{path}: {_line(blockers)}{f'; {names}' if UNKNOWN in steps else ''}"
        return ModelError(text, hint=blockers[0].step)
    first = list(causes.values())[:_MOST_CAUSES]
    lines = [f"{path}: can't be compiled, for {len(causes):,} reasons:", *map(_line, first)]
    if len(causes) > len(first):
        rest = [cause for group in list(causes.values())[len(first) :] for cause in group]
        of = _some(sorted({blocker.name or "the model" for blocker in rest}))
        lines.append(f"{len(causes) - len(first):,} more, of {of}")
    if UNKNOWN in steps:
        lines.append(names)
    return ModelError("\n    ".join(lines), hint="\n    and ".join(steps))


def _line(group: Sequence[Blocker]) -> str:
    first = group[0]
    parts = []
    if first.operator is not None:
        parts.append(f"{_numbers('operator', [one.operator for one in group])} ({first.name})")
    if any(one.tensor is not None for one in group):
        parts.append(_numbers("tensor", [one.tensor for one in group]))
    return shown(": ".join([*parts, first.what]), _MOST_CHARACTERS)


def _numbers(noun: str, numbers: Iterable[int | None]) -> str:
    unique = list(dict.fromkeys(number for number in numbers if number is not None))
    return f"{noun}{'s' * (len(unique) > 1)} {_some(list(map(str, unique)))}"


def _some(words: Sequence[str]) -> str:
    """So many of the words as fit a line, and how many more there are."""
    if len(words) <= _MOST_NUMBERS:
        return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))
    return f"{', '.join(words[:_MOST_NUMBERS])} and {len(words) - _MOST_NUMBERS:,} more"
