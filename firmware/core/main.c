#include <stdalign.h>

#include "hil.h"
#include "main.h"
#include "port.h"
#include "receive.h"

/* The symbol's size is what the memory report calls the tensor arena. */
alignas(16) int8_t hil_arena[MODEL_ARENA_BYTES];

static struct hil context;

void main_receive(uint8_t byte) {
    receive_byte(&context, byte);
}

int main(void) {
    uint32_t state = port_interrupts_mask();
    hil_init(&context, hil_arena);
    port_init();
    port_interrupts_restore(state);
    hil_start(&context);
    for (;;) {
        hil_poll(&context);
    }
}
