/* `hil`: what tinyhil's host asks beyond the official protocol.  A firmware without it answers
 * `e-[Unknown command: hil]`, and the host falls back to the official commands. */
#include <string.h>

#include "commands.h"
#include "port.h"
#include "print.h"
#include "stack.h"

#define LAPS_A_LINE         16u
#define OUTPUT_BYTES_A_LINE 64

static void print_value(const char *name, uint32_t value) {
    print_text(name);
    print_unsigned(value);
    print_line("");
}

static void info(const struct hil *hil) {
    print_value("m-hil-version-", 1);
    print_value("m-hil-tick-hz-", port_tick_hz());
    print_value("m-hil-lap-capacity-", HIL_LAPS);
    print_value("m-hil-arena-bytes-", MODEL_ARENA_BYTES);
    print_value("m-hil-received-lost-", hil->received.lost);
    print_line("m-hil-model-sha256-[" MODEL_SHA256 "]");
}

/* `hil laps FIRST COUNT`: lines `m-hil-laps-FIRST-[ticks,…]`, FIRST being each line's own. */
static void laps(const struct hil *hil, char *rest) {
    const char *first_word = commands_word(&rest);
    const char *count_word = commands_word(&rest);
    int32_t first = first_word != NULL ? commands_number(first_word) : 0;
    int32_t count = count_word != NULL ? commands_number(count_word) : (int32_t)hil->lap_count;
    if (first < 0 || count < 0 || (uint32_t)first + (uint32_t)count > hil->lap_count) {
        print_text("e-[Laps kept: ");
        print_unsigned(hil->lap_count);
        print_line("]");
        return;
    }
    uint32_t end = (uint32_t)first + (uint32_t)count;
    for (uint32_t i = (uint32_t)first; i < end; i++) {
        bool starts_line = (i - (uint32_t)first) % LAPS_A_LINE == 0u;
        if (starts_line) {
            print_text("m-hil-laps-");
            print_unsigned(i);
        }
        print_text(starts_line ? "-[" : ",");
        print_unsigned(hil->laps[i]);
        if ((i - (uint32_t)first) % LAPS_A_LINE == LAPS_A_LINE - 1u || i + 1u == end) {
            print_line("]");
        }
    }
}

static void stack(void) {
    print_value("m-hil-stack-used-", stack_high_water());
    print_value("m-hil-stack-size-", stack_size());
}

/* `hil output`: lines `m-hil-output-FIRST-[hex]`, the model's raw output, which three decimals or
 * one error would not tell in full. */
static void output(const struct hil *hil) {
    const int count = MODEL_OUTPUT_COUNT;
    for (int i = 0; i < count; i++) {
        if (i % OUTPUT_BYTES_A_LINE == 0) {
            print_text("m-hil-output-");
            print_signed(i);
            print_text("-[");
        }
        print_hex_byte((uint8_t)hil->output[i]);
        if (i % OUTPUT_BYTES_A_LINE == OUTPUT_BYTES_A_LINE - 1 || i + 1 == count) {
            print_line("]");
        }
    }
}

void extension_command(struct hil *hil, char *rest) {
    const char *word = commands_word(&rest);
    if (word == NULL) {
        print_line("e-[Command 'hil' requires a subcommand]");
    } else if (strcmp(word, "info") == 0) {
        info(hil);
    } else if (strcmp(word, "laps") == 0) {
        laps(hil, rest);
    } else if (strcmp(word, "stack") == 0) {
        stack();
    } else if (strcmp(word, "load") == 0) {
        upload_command(hil, rest);
    } else if (strcmp(word, "output") == 0) {
        output(hil);
    } else {
        print_text("e-[Unknown command: hil ");
        print_untrusted(word);
        print_line("]");
    }
}
