#include "rtt.h"

#include <string.h>

#define UP_SIZE 1024u /* Bytes; what the probe takes out in one read. */

/* SEGGER's flag: the writer waits for room, nothing is ever cut. */
#define BLOCKS_IF_FULL 2u

struct channel {
    const char *name;
    uint8_t *bytes;
    uint32_t size;
    volatile uint32_t write; /* Offset; of a down channel, the host's. */
    volatile uint32_t read;  /* Offset; of an up channel, the host's. */
    uint32_t flags;
};

static uint8_t up_bytes[UP_SIZE];

/* The symbol's name is what RTT hosts look for. */
extern struct control_block {
    char id[16];
    int32_t up_channels;
    int32_t down_channels;
    struct channel up[1];
    struct channel down[1];
} _SEGGER_RTT;

struct control_block _SEGGER_RTT;

/* Between a channel's bytes and its offsets, which the probe reads in their order. */
static void barrier(void) {
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void hil_rtt_init(void) {
    hil_rtt_open(NULL, 0);
    _SEGGER_RTT.up_channels = 1;
    _SEGGER_RTT.down_channels = 1;
    /* Last, and in two parts, so that a host that searches memory finds no copy in flash and no
     * block that is not whole. */
    barrier();
    memcpy(&_SEGGER_RTT.id[0], "SEGGER", 6);
    memcpy(&_SEGGER_RTT.id[6], " RTT", 4);
}

void hil_rtt_open(uint8_t *bytes, uint32_t size) {
    _SEGGER_RTT.up[0] = (struct channel){"frames", up_bytes, UP_SIZE, 0, 0, BLOCKS_IF_FULL};
    _SEGGER_RTT.down[0] = (struct channel){"frames", bytes, size, 0, 0, BLOCKS_IF_FULL};
    barrier();
}

void hil_rtt_close(void) {
    _SEGGER_RTT.down[0] = (struct channel){.name = "frames", .flags = BLOCKS_IF_FULL};
}

bool hil_rtt_take(uint8_t *byte) {
    struct channel *channel = &_SEGGER_RTT.down[0];
    uint32_t read = channel->read;
    uint32_t write = channel->write;
    if (read == write || read >= channel->size || write >= channel->size) {
        return false;
    }
    barrier();
    *byte = channel->bytes[read];
    barrier();
    channel->read = read + 1u == channel->size ? 0u : read + 1u;
    return true;
}

bool hil_rtt_put(uint8_t byte) {
    struct channel *channel = &_SEGGER_RTT.up[0];
    uint32_t write = channel->write;
    uint32_t next = write + 1u == UP_SIZE ? 0u : write + 1u;
    uint32_t read = channel->read;
    if (write >= UP_SIZE || read >= UP_SIZE || next == read) {
        return false;
    }
    up_bytes[write] = byte;
    barrier();
    channel->write = next;
    return true;
}
