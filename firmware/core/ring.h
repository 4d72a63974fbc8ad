/* Byte queue with one producer (the receive interrupt) and one consumer (the main loop), in memory
 * that can be exchanged for other memory. */
#ifndef TINYHIL_RING_H
#define TINYHIL_RING_H

#include <stdbool.h>
#include <stdint.h>

struct ring {
    volatile uint32_t head; /* Offset of the next byte to come; written by the producer alone. */
    volatile uint32_t tail; /* Offset of the oldest byte; written by the consumer alone. */
    volatile uint32_t lost; /* Bytes that came while the queue was full. */
    uint8_t *bytes;
    uint32_t size; /* One more than it holds. */
};

static inline bool ring_is_empty(const struct ring *ring) {
    return ring->head == ring->tail;
}

static inline uint32_t ring_after(const struct ring *ring, uint32_t offset) {
    return offset + 1u == ring->size ? 0u : offset + 1u;
}

static inline void ring_put(struct ring *ring, uint8_t byte) {
    uint32_t head = ring->head;
    uint32_t next = ring_after(ring, head);
    if (next == ring->tail) {
        ring->lost++;
        return;
    }
    ring->bytes[head] = byte;
    __atomic_signal_fence(__ATOMIC_RELEASE); /* The byte before what makes it known. */
    ring->head = next;
}

/* Takes the oldest byte; the queue must not be empty. */
static inline uint8_t ring_take(struct ring *ring) {
    __atomic_signal_fence(__ATOMIC_ACQUIRE); /* Not before it was known to be there. */
    uint32_t tail = ring->tail;
    uint8_t byte = ring->bytes[tail];
    __atomic_signal_fence(__ATOMIC_RELEASE); /* Taken before its place is free. */
    ring->tail = ring_after(ring, tail);
    return byte;
}

/* Moves to other memory, with as much of the queue as that holds; the producer must not run
 * during that time. */
static inline void ring_move(struct ring *ring, uint8_t *bytes, uint32_t size) {
    struct ring moved = {.lost = ring->lost, .bytes = bytes, .size = size};
    while (!ring_is_empty(ring)) {
        ring_put(&moved, ring_take(ring));
    }
    *ring = moved;
}

#endif
