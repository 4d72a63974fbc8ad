#include "port.h"
#include "tinyhil.h"

int main(void) {
    uint32_t state = port_interrupts_mask();
    tinyhil_init();
    port_init();
    port_interrupts_restore(state);
    tinyhil_run();
}
