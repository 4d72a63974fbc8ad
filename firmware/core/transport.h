/* What frames travel over: the UART, or RTT.  Neither knows what a frame is. */
#ifndef TINYHIL_TRANSPORT_H
#define TINYHIL_TRANSPORT_H

#include <stdbool.h>
#include <stdint.h>

struct hil;

#define TRANSPORT_ENDED (-1)

struct transport {
    /* Prepares it; what it queues lies in the input buffer after the sample.  Returns how many
     * bytes it holds. */
    uint32_t (*open)(struct hil *hil);

    /* Waits for a byte and takes it; TRANSPORT_ENDED when the host has gone back to text. */
    int (*take)(struct hil *hil);

    /* Sends a byte, when there is room for it; false when the host has gone back to text. */
    bool (*put)(struct hil *hil, uint8_t byte);

    /* Gives the input buffer back. */
    void (*close)(struct hil *hil);
};

extern const struct transport hil_transport_wire;
extern const struct transport hil_transport_probe;

#endif
