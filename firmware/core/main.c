#include <stdalign.h>

#include "hil.h"
#include "main.h"
#include "port.h"
#include "receive.h"

/* The symbol's size is what the memory report calls the tensor arena. */
alignas(16) int8_t hil_arena[MODEL_ARENA_BYTES];

/* The host reads it through the debug probe, at the symbol's address. */
uint8_t hil_token[IDENTITY_TOKEN_BYTES];

static struct hil context;

void main_receive(uint8_t byte) {
    receive_byte(&context, byte);
}

int main(void) {
    uint32_t state = port_interrupts_mask();
    hil_init(&context, hil_arena, hil_token);
    port_init();
    port_interrupts_restore(state);
    hil_start(&context);
    for (;;) {
        hil_poll(&context);
    }
}
