/* Frames through the debug probe.  Nothing interrupts the core when the probe has written, so the
 * channel is polled; a byte on the UART ends it, even while the probe is in use. */
#include "hil.h"
#include "rtt.h"
#include "transport.h"

static uint32_t probe_open(struct hil *hil) {
    hil_rtt_open(&hil->input[HIL_QUEUE_OFFSET], HIL_QUEUE_SIZE);
    return HIL_QUEUE_SIZE - 1u;
}

static int probe_take(struct hil *hil) {
    uint8_t byte;
    while (ring_is_empty(&hil->received)) {
        if (hil_rtt_take(&byte)) {
            return byte;
        }
    }
    return TRANSPORT_ENDED;
}

static bool probe_put(struct hil *hil, uint8_t byte) {
    while (!hil_rtt_put(byte)) {
        if (!ring_is_empty(&hil->received)) {
            return false;
        }
    }
    return true;
}

static void probe_close(struct hil *hil) {
    (void)hil;
    hil_rtt_close();
}

const struct transport hil_transport_probe = {probe_open, probe_take, probe_put, probe_close};
