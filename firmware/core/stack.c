#include "stack.h"

#include "tinyhil.h"

#define PAINT  0x9a1f7c35u
#define MARGIN 32u /* Words left unpainted for this function's own frame and an interrupt's. */

void hil_stack_paint(void) {
    if (port_stack_limit() == port_stack_top()) {
        return;
    }
    uint32_t *end = (uint32_t *)__builtin_frame_address(0) - MARGIN;
    for (volatile uint32_t *word = port_stack_limit(); (uint32_t *)word < end; word++) {
        *word = PAINT;
    }
}

uint32_t hil_stack_high_water(void) {
    const uint32_t *word = port_stack_limit();
    while (word < port_stack_top() && *word == PAINT) {
        word++;
    }
    return (uint32_t)((const char *)port_stack_top() - (const char *)word);
}

uint32_t hil_stack_size(void) {
    return (uint32_t)((const char *)port_stack_top() - (const char *)port_stack_limit());
}
