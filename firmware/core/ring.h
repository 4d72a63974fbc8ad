/* Byte queue with one producer (the receive interrupt) and one consumer (the main loop). */
#ifndef TINYHIL_RING_H
#define TINYHIL_RING_H

#include <stdbool.h>
#include <stdint.h>

#define RING_SIZE 512u /* Bytes; a power of two, so that free-running indexes wrap cleanly. */

struct ring {
    volatile uint32_t head; /* Written by the producer alone. */
    volatile uint32_t tail; /* Written by the consumer alone. */
    volatile uint32_t lost; /* Bytes that came while the queue was full. */
    uint8_t bytes[RING_SIZE];
};

static inline bool ring_is_empty(const struct ring *ring) {
    return ring->head == ring->tail;
}

static inline void ring_put(struct ring *ring, uint8_t byte) {
    uint32_t head = ring->head;
    if (head - ring->tail == RING_SIZE) {
        ring->lost++;
        return;
    }
    ring->bytes[head % RING_SIZE] = byte;
    ring->head = head + 1u;
}

/* Takes the oldest byte; the queue must not be empty. */
static inline uint8_t ring_take(struct ring *ring) {
    uint32_t tail = ring->tail;
    uint8_t byte = ring->bytes[tail % RING_SIZE];
    ring->tail = tail + 1u;
    return byte;
}

#endif
