/* Frames over the UART: its interrupt keeps filling the queue while the model runs. */
#include "hil.h"
#include "rate.h"
#include "receive.h"
#include "tinyhil.h"
#include "transport.h"

static void move_queue(struct hil *hil, uint8_t *bytes, uint32_t size) {
    uint32_t state = port_interrupts_mask();
    ring_move(&hil->received, bytes, size);
    port_interrupts_restore(state);
}

static uint32_t wire_open(struct hil *hil) {
    move_queue(hil, &hil->input[HIL_QUEUE_OFFSET], HIL_QUEUE_SIZE);
    return HIL_QUEUE_SIZE - 1u;
}

static int wire_take(struct hil *hil) {
    while (ring_is_empty(&hil->received)) {
        hil_receive_wait(hil);
    }
    uint8_t byte = ring_take(&hil->received);
    return hil_rate_is_lost(hil, RATE_FRAMES_LIMIT) ? TRANSPORT_ENDED : byte;
}

static bool wire_put(struct hil *hil, uint8_t byte) {
    (void)hil;
    port_transmit(byte);
    return true;
}

static void wire_close(struct hil *hil) {
    move_queue(hil, hil->text_queue, sizeof hil->text_queue);
}

const struct transport hil_transport_wire = {wire_open, wire_take, wire_put, wire_close};
