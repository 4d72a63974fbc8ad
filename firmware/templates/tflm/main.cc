#include "engine/th.h"
#include "port.h"
#include "tinyhil.h"

int main() {
    uint32_t state = port_interrupts_mask();
    tinyhil_init();
    port_init();
    port_interrupts_restore(state);
    th_final_initialize();
    tinyhil_run();
}
