/* `db`: the input buffer, loaded in pieces of hexadecimal digits. */
#include <string.h>

#include "families.h"
#include "hex.h"
#include "print.h"
#include "words.h"

#define BYTES_A_LINE 8u

static void load(struct hil *hil, char *rest) {
    const char *word = hil_words_next(&rest);
    if (word == NULL) {
        hil_print_line("e-[Command 'db load' requires the # of bytes]");
        return;
    }
    int32_t size = hil_words_number(word);
    if (size <= 0) {
        hil_print_line("e-[Command 'db load' must be >0 bytes]");
    } else if (size > HIL_INPUT_SIZE) {
        /* Without `e-` and with LF alone, as firmware in the field prints it. */
        hil_print_text("Supplied buffer size ");
        hil_print_signed(size);
        hil_print_text(" exceeds maximum of ");
        hil_print_signed(HIL_INPUT_SIZE);
        hil_print_text("\n");
    } else {
        hil->input_size = (size_t)size;
        hil->input_position = 0;
        hil_print_text("m-[Expecting ");
        hil_print_signed(size);
        hil_print_line(" bytes]");
    }
}

static void print_buffer(const struct hil *hil) {
    for (size_t i = 0; i < hil->input_size; i++) {
        hil_print_text(i % BYTES_A_LINE == 0u ? "m-buffer-" : "-");
        hil_print_hex_byte(hil->input[i]);
        if (i % BYTES_A_LINE == BYTES_A_LINE - 1u || i + 1u == hil->input_size) {
            hil_print_line("");
        }
    }
}

static void store(struct hil *hil, const char *digits) {
    if (strlen(digits) % 2u != 0u) {
        hil_print_line("e-[Insufficent number of hex digits]");
        return;
    }
    for (; *digits != '\0' && hil->input_position < hil->input_size; digits += 2) {
        int value = hex_byte(digits);
        if (value < 0) {
            const char pair[] = {digits[0], digits[1], '\0'};
            hil_print_text("e-[Invalid hex digit '");
            hil_print_untrusted(pair);
            hil_print_line("']");
            return;
        }
        hil->input[hil->input_position++] = (uint8_t)value;
        if (hil->input_position == hil->input_size) {
            hil_print_line("m-load-done");
        }
    }
}

void hil_buffer_command(struct hil *hil, char *rest) {
    const char *word = hil_words_next(&rest);
    if (word == NULL) {
        hil_print_line("e-[Command 'db' requires a subcommand]");
    } else if (strcmp(word, "load") == 0) {
        load(hil, rest);
    } else if (strcmp(word, "print") == 0) {
        print_buffer(hil);
    } else {
        store(hil, word);
    }
}
