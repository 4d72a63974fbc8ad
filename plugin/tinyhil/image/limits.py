"""What a firmware can hold and say: checked of a model and a task before anything is built.

There are two kinds of limits. The board's memory is one: what is missing of it is told in bytes.
The other is the wire: frames count a sample by 16 bits, and results by 8. A firmware of more than
that speaks the official text protocol alone, whose only limit is the length of a line of results.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tinyhil.catalog.board import Board, Memory
from tinyhil.catalog.task import Task
from tinyhil.ground.errors import ConfigError, FirmwareError, ModelError

if TYPE_CHECKING:
    from tinyhil.image.compiler import CompiledModel

FRAME_SAMPLE_BYTES: Final = 0xFFFF
FRAME_RESULTS: Final = 255
FRAME_OUTPUT_BYTES: Final = 3044
"""Of the raw output: what a reply has room for, see ``firmware/core/stream.c``."""
LINE_BYTES: Final = 16384
"""Of a line that the host reads, see `device.protocol.lines`."""
_STORED: Final = {"int8": (-128, 127), "uint8": (0, 255), "int16": (-(2**15), 2**15 - 1)}
_AROUND: Final = len("m-results-[]")
_LARGEST_OF_BENCHMARK: Final = 27648
_STACK_BYTES: Final = 4096
_OWN_VARIABLES: Final = 4096
"""Of the firmware itself, at most; they are known when it is linked."""
_OWN_CODE: Final = 128 << 10
"""The same of its code, with the kernels of any model."""


def frames_carry(task: Task, compiled: CompiledModel) -> bool:
    """Whether samples, results and outputs are small enough for frames."""
    return (
        task.input.inference_bytes <= FRAME_SAMPLE_BYTES
        and task.results <= FRAME_RESULTS
        and compiled.output.size <= FRAME_OUTPUT_BYTES
    )


def check_line(model: str, task: Task, compiled: CompiledModel) -> None:
    """Refuse results that do not fit a line of the text protocol.

    Raises:
        ModelError: they do not; it says how many would.
    """
    stored = _STORED.get(compiled.output.dtype)
    ends = [
        end if stored is None else output.scale * (end - output.zero_point)
        for output in compiled.outputs
        for end in stored or (-(2**31) / 1000, 2**31 / 1000)  # floats: as wide as can be
    ]
    widest = max(len(f"{end:.3f}") for end in ends) if task.result == "scores" else 0
    most = (LINE_BYTES - _AROUND + 1) // (widest + 1)
    if task.results > most:
        raise ModelError(
            f"{model}: the model has {task.results:,} results, a line of the protocol has room for "
            f"{most:,} of theirs: {task.results - most:,} too many",
            hint="end the model in fewer results, such as the index of the best one",
        )


def least_input(board: Board) -> int:
    """Bytes of a sample that the board's firmware takes at least."""
    return _LARGEST_OF_BENCHMARK if board.input_buffer == "benchmark" else 1


def storage_bytes(sample_bytes: int, least: int = _LARGEST_OF_BENCHMARK, *, frames: bool) -> int:
    """Of the buffer that samples and frames are received in; as ``firmware/core/hil.h`` has it.

    Args:
        sample_bytes: of the model's.
        least: of a sample that is taken at least, see `least_input`.
        frames: whether the firmware speaks them.
    """
    ahead = min(sample_bytes, _LARGEST_OF_BENCHMARK)
    queues = frames or sample_bytes <= _LARGEST_OF_BENCHMARK
    room = sample_bytes + (ahead + 2048 if queues else 16)
    return max(room, sample_bytes, least)


def check_memory(board: Board, task: Task, compiled: CompiledModel) -> None:
    """Refuse a model that needs more memory than our firmware has for it on the board.

    Raises:
        FirmwareError: it says which memory, and how many bytes are missing at least: the code is
            not counted, which nobody has compiled yet.
    """
    missing = [
        too_small(memory, f"at least {sum(parts.values()) - memory.size:,} bytes ({_told(parts)})")
        for memory, parts in _needs(board, task, compiled)
        if sum(parts.values()) > memory.size
    ]
    if missing:
        raise no_room(board, missing)


def arena_room(board: Board, task: Task, compiled: CompiledModel) -> int:
    """Bytes that the board has for the arena, beside what else our firmware needs there."""
    places = places_of(board)
    parts = next(parts for memory, parts in _needs(board, task, compiled) if memory == places.data)
    own = _OWN_VARIABLES if places.variables == places.data else 0
    return places.data.size - (sum(parts.values()) - parts["arena"]) - own


def _needs(
    board: Board, task: Task, compiled: CompiledModel
) -> list[tuple[Memory, dict[str, int]]]:
    """What firmware with this model needs of each memory, in bytes."""
    frames, constants = frames_carry(task, compiled), constants_of(board, compiled)
    buffer = storage_bytes(task.input.inference_bytes, least_input(board), frames=frames)
    places = places_of(board)
    data = {"input buffer": buffer, "arena": compiled.arena_bytes}
    variables = {"output": compiled.output.size, "stack": _STACK_BYTES}
    if compiled.state_bytes:
        variables["state"] = compiled.state_bytes
    # The state's first content is in flash.
    code = {"state": compiled.state_bytes} if compiled.state_bytes else {}
    weights = {"weights": compiled.weights_bytes}
    needs = [(constants or places.code, weights), (places.code, code)]
    if constants is None:
        needs = [(places.code, {**weights, **code})]
    if places.variables == places.data:
        return [*needs, (places.data, {**data, **variables})]
    return [*needs, (places.data, data), (places.variables, variables)]


def _told(parts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {size:,}" for name, size in parts.items())


@dataclass(frozen=True)
class Places:
    """Which memories of a board firmware of ours lies in."""

    code: Memory
    """Code and constants."""
    data: Memory
    """The model's arena and the input buffer."""
    variables: Memory
    """Stack and variables."""


def places_of(board: Board) -> Places:
    """The first flash and the first RAM, and for variables the RAM that says so.

    Raises:
        ConfigError: the board has no flash or no RAM, or says so of a memory that is none.
    """
    first = {memory.kind: memory for memory in reversed(board.memory)}
    missing = [kind for kind in ("flash", "ram") if kind not in first]
    wrong = [memory.name for memory in board.memory if memory.variables and memory.kind != "ram"]
    if missing or wrong:
        said = f"{wrong[0]} takes variables, but is no RAM" if wrong else f"has no {missing[0]}"
        raise ConfigError(
            f"board '{board.name}': {said}", hint="correct the [[memory]] tables of its file"
        )
    variables = (memory for memory in board.memory if memory.variables)
    return Places(first["flash"], first["ram"], next(variables, first["ram"]))


def constants_of(board: Board, compiled: CompiledModel) -> Memory | None:
    """The flash beside the first one that the model's weights lie in; None: they are in the first.

    Raises:
        ConfigError: what takes constants is no flash.
    """
    others = [memory for memory in board.memory if memory.constants]
    for memory in others:
        if memory.kind != "flash":
            raise ConfigError(
                f"board '{board.name}': {memory.name} takes constants, but is no flash",
                hint="correct the [[memory]] tables of its file",
            )
    fits = compiled.weights_bytes + _OWN_CODE <= places_of(board).code.size
    return None if fits or not others else others[0]


def too_small(memory: Memory, missing: str) -> str:
    """That a memory is too small by what is missing."""
    place = f"{memory.size:,} bytes at {memory.start:#010x}"
    return f"{memory.name} ({place}) is too small by {missing}"


def no_room(board: Board, missing: Sequence[str]) -> FirmwareError:
    """The error of a firmware that does not fit: which memories are `too_small`."""
    return FirmwareError(
        f"the firmware does not fit the board: {'; '.join(missing)}",
        hint="choose a smaller model or a larger board",
        board=board.name,
        stage="build",
    )
