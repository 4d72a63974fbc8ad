#include "line.h"

#include <asm/termbits.h> /* Not termios.h, which lacks rates without a name. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "moment.h"

#define BITS_A_BYTE  10    /* 8N1: start bit, eight data bits, stop bit. */
#define PACKET_BYTES 62u   /* Of a full-speed adapter's 64, two are its own. */
#define QUEUE_BYTES  1024u /* A power of two; each way. */

struct queue {
    uint32_t head, tail; /* Free-running. */
    struct {
        int64_t moment; /* When the byte has passed the wire. */
        uint8_t byte;
    } items[QUEUE_BYTES];
};

static struct line_options options;
static struct queue to_host, to_device;
static int64_t to_host_free, to_device_free; /* When each wire's last byte has passed. */
static bool pty_is_full;

static uint32_t count(const struct queue *queue) {
    return queue->head - queue->tail;
}

/* When the item `index` places behind the oldest one has passed the wire. */
static int64_t moment_of(const struct queue *queue, uint32_t index) {
    return queue->items[(queue->tail + index) % QUEUE_BYTES].moment;
}

static void put(struct queue *queue, uint8_t byte, int64_t moment) {
    queue->items[queue->head % QUEUE_BYTES].moment = moment;
    queue->items[queue->head++ % QUEUE_BYTES].byte = byte;
}

static int64_t byte_ns(uint32_t baud) {
    return options.paced && baud != 0u ? BITS_A_BYTE * NS_A_S / baud : 0;
}

/* The rate that the host has set; on our end of a pty too, the kernel tells that of its end. */
static uint32_t host_baud(void) {
    struct termios2 settings;
    if (options.baud == 0u || ioctl(options.pty, TCGETS2, &settings) != 0 ||
        settings.c_ospeed == 0u) {
        return options.baud;
    }
    return settings.c_ospeed;
}

/* What a UART reads that takes its samples in the middle of its own bits, not the sender's. */
static uint8_t sampled(uint8_t byte, uint32_t sent_baud, uint32_t read_baud) {
    if (sent_baud == read_baud) {
        return byte;
    }
    uint32_t levels = (uint32_t)byte << 1 | ~0x1ffu; /* Start bit, data, then stop bit and idle. */
    uint8_t read = 0;
    for (uint32_t bit = 0; bit < 8u; bit++) {
        uint64_t place = (2u * bit + 3u) * (uint64_t)sent_baud / (2u * (uint64_t)read_baud);
        read |= (uint8_t)((place > 31u ? 1u : levels >> place & 1u) << bit);
    }
    return read;
}

void line_open(const struct line_options *wanted) {
    options = *wanted;
    fcntl(options.pty, F_SETFL, fcntl(options.pty, F_GETFL) | O_NONBLOCK);
}

void line_set_baud(uint32_t baud) {
    options.baud = options.baud != 0u ? baud : 0u;
}

void line_send(uint8_t byte, int64_t moment) {
    static uint32_t listening; /* The host's rate; asked for once a packet. */
    if (count(&to_host) % PACKET_BYTES == 0u) {
        listening = host_baud();
    }
    to_host_free = moment_later(to_host_free, moment) + byte_ns(options.baud);
    put(&to_host, sampled(byte, options.baud, listening), to_host_free);
}

int64_t line_free_at(void) {
    return to_host_free;
}

bool line_is_full(void) {
    return count(&to_host) == QUEUE_BYTES;
}

bool line_next(int64_t *moment) {
    *moment = moment_of(&to_device, 0);
    return count(&to_device) != 0u;
}

uint8_t line_take(void) {
    return to_device.items[to_device.tail++ % QUEUE_BYTES].byte;
}

int64_t line_slack(void) {
    return moment_earlier(options.latency_ns, PACKET_BYTES * byte_ns(options.baud));
}

int64_t line_patience(void) {
    uint32_t under_way = count(&to_device);
    if (under_way == 0u) {
        return MOMENT_NEVER;
    }
    return moment_earlier(moment_of(&to_device, under_way - 1u),
                          moment_of(&to_device, 0) + line_slack() / 2);
}

/* When the adapter's packet goes to the host. */
static int64_t packet_due(void) {
    uint32_t sent = count(&to_host);
    if (sent == 0u) {
        return MOMENT_NEVER;
    }
    int64_t due = moment_of(&to_host, 0) + (options.paced ? options.latency_ns : 0);
    return sent < PACKET_BYTES ? due : moment_earlier(due, moment_of(&to_host, PACKET_BYTES - 1u));
}

/* Gives the host the packets that are due; where nothing takes time, they are as large as can be.
 * A host that does not read stops the wire: a real adapter would lose bytes instead. */
static void give(int64_t now) {
    uint32_t limit = options.paced ? PACKET_BYTES : QUEUE_BYTES;
    pty_is_full = false;
    for (int64_t due = packet_due(); due <= now && !pty_is_full; due = packet_due()) {
        uint8_t packet[QUEUE_BYTES];
        uint32_t size = 0;
        while (size < limit && size < count(&to_host) && moment_of(&to_host, size) <= due) {
            packet[size] = to_host.items[(to_host.tail + size) % QUEUE_BYTES].byte;
            size++;
        }
        ssize_t written = write(options.pty, packet, size);
        if (written < 0 && errno != EAGAIN && errno != EINTR) {
            exit(EXIT_SUCCESS); /* The line is gone for good. */
        }
        to_host.tail += written > 0 ? (uint32_t)written : 0u;
        pty_is_full = written < (ssize_t)size;
    }
}

/* Takes what the host has written; a byte that finds the wire idle starts now. */
static void take(int64_t now) {
    uint8_t bytes[QUEUE_BYTES];
    uint32_t room = QUEUE_BYTES - count(&to_device);
    ssize_t size = room != 0u ? read(options.pty, bytes, room) : 0;
    if (size < 0 && errno != EAGAIN && errno != EINTR) {
        exit(EXIT_SUCCESS);
    }
    uint32_t speaking = size > 0 ? host_baud() : 0u;
    for (ssize_t i = 0; i < size; i++) {
        to_device_free = moment_later(to_device_free, now) + byte_ns(speaking);
        put(&to_device, sampled(bytes[i], speaking, options.baud), to_device_free);
    }
}

void line_exchange(int64_t now) {
    give(now);
    take(now);
}

void line_wait(int64_t now, int64_t moment) {
    struct pollfd pty = {.fd = options.pty};
    if (count(&to_device) < QUEUE_BYTES) {
        pty.events |= POLLIN;
    } else if (options.paced) {
        /* Before the wire becomes idle because no bytes are left. */
        moment = moment_earlier(moment, moment_of(&to_device, QUEUE_BYTES / 2u));
    }
    if (pty_is_full) {
        pty.events |= POLLOUT;
    } else {
        moment = moment_earlier(moment, packet_due());
    }
    if (moment <= now) {
        return;
    }
    int64_t rest = moment - now;
    struct timespec time = {.tv_sec = rest / NS_A_S, .tv_nsec = rest % NS_A_S};
    ppoll(&pty, 1, moment == MOMENT_NEVER ? NULL : &time, NULL);
}
