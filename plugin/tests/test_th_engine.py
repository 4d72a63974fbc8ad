"""The engine behind the official `th_` functions: the numbers that they print, as results."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tinyhil.ground.paths import FIRMWARE

_CONFIG = """
#define HIL_TASK "kws01"
#define HIL_SAMPLE_BYTES 4
#define HIL_OUTPUT_BYTES 16
#define HIL_BAUD 115200u
"""

_PROGRAM = r"""
#include <stdio.h>
#include <string.h>
#include "th.h"
#include "tinyhil.h"

static uint8_t tensor[4];

void port_transmit(uint8_t byte) { putchar(byte); }
void th_final_initialize(void) {}
void th_load_tensor(void) { ee_get_buffer(tensor, sizeof tensor); }
void th_infer(void) {}
void th_pre(void) {}
void th_post(void) {}
void th_results(void) {
    @PRINTS@
}

int main(void) {
    uint8_t sample[4] = "abc";
    int8_t output[HIL_OUTPUT_BYTES];
    th_printf("m-set-up %d%%, %s\n", 100, "done");
    for (int turn = 0; turn < 2; turn++) { /* The second one knows nothing of the first. */
        engine_infer(NULL, engine_open(sample), output);
        engine_close(sample, output);
    }
    printf("%s\n", memcmp(tensor, sample, sizeof sample) == 0 ? "loaded" : "not loaded");
    for (size_t i = 0; i < engine_result_count(); i++) {
        int32_t stored;
        memcpy(&stored, &output[4 * i], sizeof stored);
        printf("%d %d\n", (int)engine_result(sample, output, i), (int)stored);
    }
    return 0;
}
"""

Answers = Callable[[str], list[int]]


@pytest.fixture
def answers(tmp_path: Path) -> Answers:
    """Results in thousandths of a `th_results` that does as it is told."""
    if shutil.which("cc") is None:
        pytest.skip("NOT TESTED: no C compiler for this machine")
    (tmp_path / "hil_config.h").write_text(_CONFIG, encoding="utf-8")

    def ask(prints: str) -> list[int]:
        source, program = tmp_path / "main.c", tmp_path / "main"
        source.write_text(_PROGRAM.replace("@PRINTS@", prints), encoding="utf-8")
        engine, core = FIRMWARE / "engines" / "th", FIRMWARE / "core"
        subprocess.run(
            [
                *("cc", "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-fsanitize=undefined"),
                *(f"-I{folder}" for folder in (tmp_path, engine, core / "include")),
                *(source, engine / "th.c", core / "thousandths.c", "-lm", "-o", program),
            ],
            check=True,
        )
        done = subprocess.run([program], capture_output=True, text=True, check=True)
        set_up, loaded, *rows = done.stdout.splitlines()
        assert (set_up, loaded) == ("m-set-up 100%, done", "loaded")
        pairs = [tuple(map(int, row.split())) for row in rows]
        assert all(result == stored for result, stored in pairs), "the output has them too"
        return [result for result, _ in pairs]

    return ask


def test_scores_are_read_in_every_way_of_printing_them(answers: Answers) -> None:
    """Several results in one program: a compiler's start costs more than they do."""
    assert answers(
        r"""
        static int turn;
        if (turn++ == 0) {
            th_printf("m-results-[%0.3f,%.3f,%f]\r\n", 0.1, 0.2, 0.3);
            return;
        }
        th_printf("m-results-[");
        th_printf("%0.3f,", 0.9996);
        th_printf("%8.6f, ", -0.0625);
        th_printf("%d.%03d,", 0, 7);
        th_printf("%u]\r\n", 12u);
        """
    ) == [1000, -62, 7, 12000]


def test_what_is_no_number_is_missed_and_never_made_up(answers: Answers) -> None:
    """The host asks for as many as the task has classes, and refuses fewer."""
    assert answers(r'th_printf("m-results-[%.3f,%.3f,%f]", 0.5, 0.0 / 0.0, 1e30);') == [500]
    assert answers(r'th_printf("no brackets %f", 0.5);') == []
    assert answers(r'th_printf("[1,2,3,4,5,6]");') == [1000, 2000, 3000, 4000]
