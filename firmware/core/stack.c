#include "stack.h"

#include "port.h"

#define PAINT  0x9a1f7c35u
#define MARGIN 32u /* Words left unpainted for this function's own frame and an interrupt's. */

void stack_paint(void) {
    uint32_t *end = (uint32_t *)__builtin_frame_address(0) - MARGIN;
    for (volatile uint32_t *word = port_stack_limit(); (uint32_t *)word < end; word++) {
        *word = PAINT;
    }
}

uint32_t stack_high_water(void) {
    const uint32_t *word = port_stack_limit();
    while (word < port_stack_top() && *word == PAINT) {
        word++;
    }
    return (uint32_t)((const char *)port_stack_top() - (const char *)word);
}

uint32_t stack_size(void) {
    return (uint32_t)((const char *)port_stack_top() - (const char *)port_stack_limit());
}
