#include "rtt.h"

#include <string.h>

#define CHANNEL_SIZE 4096u /* Bytes; the host fills it in one write of the debug port. */

struct channel {
    const char *name;
    uint8_t *bytes;
    uint32_t size;
    volatile uint32_t write; /* Offset; of a down channel, the host's. */
    volatile uint32_t read;  /* Offset; of a down channel, ours. */
    uint32_t flags;
};

static uint8_t samples[CHANNEL_SIZE];

/* The symbol's name is what RTT hosts look for. */
extern struct control_block {
    char id[16];
    int32_t up_channels;
    int32_t down_channels;
    struct channel down[1];
} _SEGGER_RTT;

struct control_block _SEGGER_RTT;

void rtt_init(void) {
    _SEGGER_RTT.up_channels = 0;
    _SEGGER_RTT.down_channels = 1;
    _SEGGER_RTT.down[0] = (struct channel){"samples", samples, CHANNEL_SIZE, 0, 0, 0};
    /* Last, and in two parts, so that a host that searches memory finds no copy in flash and no
     * block that is not whole. */
    __asm volatile("" ::: "memory");
    memcpy(&_SEGGER_RTT.id[0], "SEGGER", 6);
    memcpy(&_SEGGER_RTT.id[6], " RTT", 4);
}

bool rtt_take(uint8_t *byte) {
    struct channel *channel = &_SEGGER_RTT.down[0];
    uint32_t read = channel->read;
    if (read == channel->write) {
        return false;
    }
    *byte = *(volatile uint8_t *)&channel->bytes[read];
    channel->read = read + 1u == CHANNEL_SIZE ? 0u : read + 1u;
    return true;
}

void rtt_drop(void) {
    _SEGGER_RTT.down[0].read = _SEGGER_RTT.down[0].write;
}
