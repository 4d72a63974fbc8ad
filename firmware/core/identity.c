/* `hil id` and `hil token`; identity.h says what they are for. */
#include "identity.h"

#include <string.h>

#include "families.h"
#include "hex.h"
#include "print.h"
#include "tinyhil.h"
#include "words.h"

static void print_bytes(const char *name, const uint8_t *bytes, size_t size) {
    hil_print_text(name);
    for (size_t i = 0; i < size; i++) {
        hil_print_hex_byte(bytes[i]);
    }
    hil_print_line("]");
}

static void print_token(const struct hil *hil) {
    print_bytes("m-hil-token-[", hil->token, IDENTITY_TOKEN_BYTES);
}

void hil_identity_print_build(void) {
    print_bytes("m-hil-build-id-[", port_build_id(), IDENTITY_BUILD_BYTES);
}

void hil_identity_command(struct hil *hil, char *rest) {
    (void)rest;
    hil_identity_print_build();
    print_token(hil);
}

void hil_token_command(struct hil *hil, char *rest) {
    const char *word = hil_words_next(&rest);
    uint8_t token[IDENTITY_TOKEN_BYTES];
    if (word == NULL || strlen(word) != 2u * sizeof token) {
        hil_print_line("e-[Command 'hil token' requires 16 hex digits]");
        return;
    }
    for (size_t i = 0; i < sizeof token; i++) {
        int value = hex_byte(&word[2u * i]);
        if (value < 0) {
            hil_print_line("e-[Command 'hil token' requires 16 hex digits]");
            return;
        }
        token[i] = (uint8_t)value;
    }
    memcpy(hil->token, token, sizeof token);
    print_token(hil);
}
