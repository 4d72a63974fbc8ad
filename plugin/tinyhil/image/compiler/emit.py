"""Writes the C text of a compiled model. No string of the model gets into it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tinyhil.image.compiler.lowered import ConstantArray, Lowered

_WIDTH = 100


@dataclass(frozen=True)
class Call:
    """One operator with its place in memory."""

    title: str
    """For the comment: index, name, shapes, MACs."""
    symbol: str
    lowered: Lowered
    arguments: tuple[str, ...]
    """C expressions of the buffers: inputs, output, scratch."""


def config_header(facts: Mapping[str, str]) -> str:
    """``model_config.h``: one macro a fact, of C text."""
    width = max(map(len, facts))
    lines = [f"#define {name:<{width}} {value}" for name, value in facts.items()]
    guard = "TINYHIL_MODEL_CONFIG_H"
    return "\n".join(
        [
            "/* Written by tinyhil's model compiler; see model.h. */",
            f"#ifndef {guard}",
            f"#define {guard}",
            "",
            *lines,
            "",
            "#endif",
            "",
        ]
    )


def model_source(calls: Sequence[Call], state: Sequence[int] = ()) -> str:
    """``model.c``: constants of every operator, and the calls in order.

    Args:
        calls: the operators.
        state: bytes that are kept between inferences, as they are before the first one.
    """
    kernels = sorted({call.lowered.kernel for call in calls if call.lowered.kernel})
    parts = [
        "/* Written by tinyhil's model compiler; see model.h. */",
        '#include "model.h"',
        "",
        *(f'#include "{kernel}.h"' for kernel in kernels),
        "",
    ]
    if state:
        head = f"static _Alignas(16) int8_t state[{len(state)}] = {{"
        parts += ["/* What is kept from one inference to the next. */", *_rows(head, state), ""]
    # Bands of one operator have constants in common, and equal ones are the same struct.
    structs: dict[int, str] = {}
    arrays: dict[int, str] = {}
    for call in calls:
        if id(call.lowered) not in structs:
            structs[id(call.lowered)] = call.symbol
            parts += [f"/* {call.title} */", *_constants(call, arrays), ""]
    parts += ["void model_invoke(int8_t *arena, const int8_t *input, int8_t *output) {"]
    for name in ("arena", "input"):
        if not any(name in argument for call in calls for argument in call.arguments):
            parts.append(f"    (void){name};")
    for call in calls:
        parts.append(f"    /* {call.title} */")
        if call.lowered.kernel:
            arguments = ", ".join((f"&{structs[id(call.lowered)]}", *call.arguments))
            parts.append(f"    {call.lowered.kernel}({arguments});")
    return "\n".join([*parts, "}", ""])


def _constants(call: Call, arrays: dict[int, str]) -> list[str]:
    """A struct, and those of its arrays whose names are not known yet."""
    lowered = call.lowered
    if not lowered.kernel:
        return []
    lines = []
    for array in lowered.arrays:
        if id(array) not in arrays:
            arrays[id(array)] = f"{call.symbol}_{array.field}"
            lines += _array(arrays[id(array)], array)
    lines.append(f"static const struct {lowered.kernel} {call.symbol} = {{")
    lines += [f"    .{name} = {value}," for name, value in lowered.fields.items()]
    lines += [f"    .{array.field} = {arrays[id(array)]}," for array in lowered.arrays]
    return [*lines, "};"]


def _array(name: str, array: ConstantArray) -> list[str]:
    count = len(array.values)
    head = f"static const _Alignas({array.alignment}) {array.ctype} {name}[{count}] = {{"
    return _rows(head, array.values)


def _rows(head: str, values: Sequence[object]) -> list[str]:
    texts = [str(value) for value in values]
    width = max(map(len, texts)) + 2
    columns = max(1, (_WIDTH - 4) // width)
    rows = (", ".join(texts[i : i + columns]) for i in range(0, len(texts), columns))
    return [head, *(f"    {row}," for row in rows), "};"]
