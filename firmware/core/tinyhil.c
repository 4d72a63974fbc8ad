#include "tinyhil.h"

#include <stdalign.h>

#include "hil.h"
#include "print.h"
#include "receive.h"

/* The symbol's size is what the memory report calls the tensor arena.  A linker script may place
 * these two, by the names of their sections, into the largest memory. */
alignas(16) int8_t hil_arena[HIL_ARENA_BYTES];
alignas(16) uint8_t hil_input[HIL_STORAGE];

/* The host reads it through the debug probe, at the symbol's address. */
uint8_t hil_token[IDENTITY_TOKEN_BYTES];

static struct hil context;

void tinyhil_init(void) {
    hil_init(&context, hil_input, hil_arena, hil_token);
}

void tinyhil_receive(uint8_t byte) {
    hil_receive_byte(&context, byte);
}

void tinyhil_fail(const char *what, uint32_t number) {
    hil_print_text("e-[");
    hil_print_text(what);
    hil_print_text(" ");
    hil_print_unsigned(number);
    hil_print_line("]");
    port_interrupts_mask();
    for (;;) {
        port_wait_for_interrupt();
    }
}

void tinyhil_run(void) {
    hil_start(&context);
    for (;;) {
        hil_poll(&context);
    }
}
