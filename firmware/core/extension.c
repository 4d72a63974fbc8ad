/* `hil`: what tinyhil's host asks beyond the official protocol.  A firmware without it answers
 * `e-[Unknown command: hil]`, and the host falls back to the official commands. */
#include <string.h>

#include "crc32.h"
#include "families.h"
#include "port.h"
#include "print.h"
#include "stack.h"
#include "words.h"

#define LAPS_A_LINE         16u
#define OUTPUT_BYTES_A_LINE 64

static void print_value(const char *name, uint32_t value) {
    print_text(name);
    print_unsigned(value);
    print_line("");
}

static void info(struct hil *hil, char *rest) {
    (void)rest;
    print_value("m-hil-version-", 3);
    print_value("m-hil-frames-", 2);
    print_value("m-hil-tick-hz-", port_tick_hz());
    print_value("m-hil-lap-capacity-", HIL_LAPS);
    print_value("m-hil-arena-bytes-", MODEL_ARENA_BYTES);
    print_value("m-hil-received-lost-", hil->received.lost);
    print_line("m-hil-model-sha256-[" MODEL_SHA256 "]");
    identity_print_build();
}

/* `hil laps FIRST COUNT`: lines `m-hil-laps-FIRST-[ticks,…]`, FIRST being each line's own. */
static void laps(struct hil *hil, char *rest) {
    const char *first_word = words_next(&rest);
    const char *count_word = words_next(&rest);
    int32_t first = first_word != NULL ? words_number(first_word) : 0;
    int32_t count = count_word != NULL ? words_number(count_word) : (int32_t)hil->lap_count;
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

static void stack(struct hil *hil, char *rest) {
    (void)hil, (void)rest;
    print_value("m-hil-stack-used-", stack_high_water());
    print_value("m-hil-stack-size-", stack_size());
}

/* `hil output`: lines `m-hil-output-FIRST-[hex]`, the model's raw output, which three decimals or
 * one error would not tell in full. */
static void output(struct hil *hil, char *rest) {
    (void)rest;
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

/* `hil crc`: for a sample that has come as text. */
static void crc(struct hil *hil, char *rest) {
    (void)rest;
    print_value("m-hil-crc-", crc32(0, hil->input, hil->input_size));
}

static const struct {
    const char *name;
    void (*run)(struct hil *hil, char *rest);
} subcommands[] = {
    {"info", info}, {"id", identity_command},   {"token", token_command},
    {"laps", laps}, {"stack", stack},           {"output", output},
    {"crc", crc},   {"frames", frames_command}, {"baud", rate_command},
};

void extension_command(struct hil *hil, char *rest) {
    const char *word = words_next(&rest);
    if (word == NULL) {
        print_line("e-[Command 'hil' requires a subcommand]");
        return;
    }
    for (size_t i = 0; i < sizeof subcommands / sizeof subcommands[0]; i++) {
        if (strcmp(word, subcommands[i].name) == 0) {
            subcommands[i].run(hil, rest);
            return;
        }
    }
    words_unknown(hil, "hil ", word);
}
