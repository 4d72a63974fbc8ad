#include "receive.h"

#include "hil.h"
#include "tinyhil.h"

void hil_receive_byte(struct hil *hil, uint8_t byte) {
    ring_put(&hil->received, byte);
}

void hil_receive_wait(struct hil *hil) {
    uint32_t state = port_interrupts_mask();
    if (ring_is_empty(&hil->received)) {
        port_wait_for_interrupt();
    }
    port_interrupts_restore(state);
}
