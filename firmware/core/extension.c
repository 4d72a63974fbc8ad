/* `hil`: what tinyhil's host asks beyond the official protocol.  A firmware without it answers
 * `e-[Unknown command: hil]`, and the host falls back to the official commands. */
#include <string.h>

#include "crc32.h"
#include "families.h"
#include "print.h"
#include "stack.h"
#include "tinyhil.h"
#include "words.h"

#define LAPS_A_LINE         16u
#define OUTPUT_BYTES_A_LINE 64

static void print_value(const char *name, uint32_t value) {
    hil_print_text(name);
    hil_print_unsigned(value);
    hil_print_line("");
}

__attribute__((weak)) bool port_facts(struct port_facts *facts) {
    (void)facts;
    return false;
}

static void print_fact(const char *name, const char *text) {
    hil_print_text(name);
    hil_print_text(text);
    hil_print_line("]");
}

static void print_speedups(unsigned on) {
    static const char *const names[] = {"prefetch", "icache", "dcache", "lob"};
    hil_print_text("m-hil-speedups-[");
    const char *gap = "";
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if ((on >> i & 1u) != 0u) {
            hil_print_text(gap);
            hil_print_text(names[i]);
            gap = " ";
        }
    }
    hil_print_line("]");
}

/* How the board runs, if its port tells it. */
static void print_facts(void) {
    struct port_facts facts;
    if (!port_facts(&facts)) {
        return;
    }
    print_value("m-hil-core-hz-", facts.core_hz);
    print_fact("m-hil-core-clock-[", facts.core_clock);
    print_fact("m-hil-lap-clock-[", facts.lap_clock);
    if (facts.wait_states >= 0) {
        print_value("m-hil-wait-states-", (uint32_t)facts.wait_states);
    }
    print_speedups(facts.speedups);
}

static void info(struct hil *hil, char *rest) {
    (void)rest;
    print_value("m-hil-version-", 4);
    print_value("m-hil-frames-", 2);
    print_value("m-hil-tick-hz-", port_tick_hz());
    print_value("m-hil-lap-capacity-", HIL_LAPS);
    print_value("m-hil-arena-bytes-", HIL_ARENA_BYTES);
    print_value("m-hil-received-lost-", hil->received.lost);
    hil_print_line("m-hil-model-sha256-[" HIL_MODEL_SHA256 "]");
    hil_identity_print_build();
    print_facts();
}

/* `hil laps FIRST COUNT`: lines `m-hil-laps-FIRST-[ticks,…]`, FIRST being each line's own. */
static void laps(struct hil *hil, char *rest) {
    const char *first_word = hil_words_next(&rest);
    const char *count_word = hil_words_next(&rest);
    int32_t first = first_word != NULL ? hil_words_number(first_word) : 0;
    int32_t count = count_word != NULL ? hil_words_number(count_word) : (int32_t)hil->lap_count;
    if (first < 0 || count < 0 || (uint32_t)first + (uint32_t)count > hil->lap_count) {
        hil_print_text("e-[Laps kept: ");
        hil_print_unsigned(hil->lap_count);
        hil_print_line("]");
        return;
    }
    uint32_t end = (uint32_t)first + (uint32_t)count;
    for (uint32_t i = (uint32_t)first; i < end; i++) {
        bool starts_line = (i - (uint32_t)first) % LAPS_A_LINE == 0u;
        if (starts_line) {
            hil_print_text("m-hil-laps-");
            hil_print_unsigned(i);
        }
        hil_print_text(starts_line ? "-[" : ",");
        hil_print_unsigned(hil->laps[i]);
        if ((i - (uint32_t)first) % LAPS_A_LINE == LAPS_A_LINE - 1u || i + 1u == end) {
            hil_print_line("]");
        }
    }
}

static void stack(struct hil *hil, char *rest) {
    (void)hil, (void)rest;
    print_value("m-hil-stack-used-", hil_stack_high_water());
    print_value("m-hil-stack-size-", hil_stack_size());
}

/* `hil output`: lines `m-hil-output-FIRST-[hex]`, the model's raw output, which three decimals or
 * one error would not tell in full. */
static void output(struct hil *hil, char *rest) {
    (void)rest;
    const int count = HIL_OUTPUT_BYTES;
    for (int i = 0; i < count; i++) {
        if (i % OUTPUT_BYTES_A_LINE == 0) {
            hil_print_text("m-hil-output-");
            hil_print_signed(i);
            hil_print_text("-[");
        }
        hil_print_hex_byte((uint8_t)hil->output[i]);
        if (i % OUTPUT_BYTES_A_LINE == OUTPUT_BYTES_A_LINE - 1 || i + 1 == count) {
            hil_print_line("]");
        }
    }
}

/* `hil crc`: for a sample that has come as text. */
static void crc(struct hil *hil, char *rest) {
    (void)rest;
    print_value("m-hil-crc-", hil_crc32(0, hil->input, hil->input_size));
}

static const struct {
    const char *name;
    void (*run)(struct hil *hil, char *rest);
} subcommands[] = {
    {"info", info},
    {"id", hil_identity_command},
    {"token", hil_token_command},
    {"laps", laps},
    {"stack", stack},
    {"output", output},
    {"crc", crc},
    {"frames", hil_frames_command},
    {"baud", hil_rate_command},
};

void hil_extension_command(struct hil *hil, char *rest) {
    const char *word = hil_words_next(&rest);
    if (word == NULL) {
        hil_print_line("e-[Command 'hil' requires a subcommand]");
        return;
    }
    for (size_t i = 0; i < sizeof subcommands / sizeof subcommands[0]; i++) {
        if (strcmp(word, subcommands[i].name) == 0) {
            subcommands[i].run(hil, rest);
            return;
        }
    }
    hil_words_unknown(hil, "hil ", word);
}
