#include "network.h"
#include "port.h"
#include "tinyhil.h"

/* The harness's; its size is what the host reports as the tensor arena. */
extern int8_t hil_arena[HIL_ARENA_BYTES];

/* In a project of your SDK: its set-up takes the place of `port_init`, and its receive interrupt
 * calls `tinyhil_receive`. */
int main(void) {
    uint32_t state = port_interrupts_mask();
    tinyhil_init();
    port_init();
    port_interrupts_restore(state);
    if (!network_create(hil_arena, sizeof hil_arena)) {
        tinyhil_fail("The network does not fit into HIL_ARENA_BYTES:", HIL_ARENA_BYTES);
    }
    tinyhil_run();
}
