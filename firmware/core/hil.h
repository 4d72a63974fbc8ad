/* The device side of the benchmark: one context, the commands of the MLPerf Tiny text protocol,
 * and the `hil` commands of our own, which no official command collides with. */
#ifndef TINYHIL_HIL_H
#define TINYHIL_HIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model_config.h"
#include "ring.h"

#define HIL_COMMAND_SIZE 80u   /* Characters of a command, terminator included (protocol). */
#define HIL_INPUT_SIZE   27648 /* Bytes of the largest sample of the benchmark (protocol). */
#define HIL_LAPS         1024u /* Inferences of one `infer` whose times are kept. */

_Static_assert(MODEL_INPUT_BYTES <= HIL_INPUT_SIZE, "the model's input must fit the buffer");

struct hil {
    struct ring received;

    char command[HIL_COMMAND_SIZE];
    size_t command_length;
    bool command_too_long;

    uint8_t input[HIL_INPUT_SIZE]; /* As loaded; the model reads it and never writes it. */
    size_t input_size;             /* Bytes asked for by the last `db load`. */
    size_t input_position;         /* Bytes that have come since. */

    int8_t *arena; /* MODEL_ARENA_BYTES, 16-byte aligned, the caller's. */
    int8_t output[MODEL_OUTPUT_COUNT];

    uint64_t ticks_before_restart; /* Ticks since boot at the last restart of the counter. */
    uint32_t laps[HIL_LAPS];       /* Ticks of each inference of the last `infer`. */
    uint32_t lap_count;
};

/* Prepares the context and prints the boot lines. */
void hil_init(struct hil *hil, int8_t *arena);

/* Queues one received byte; safe in an interrupt. */
void hil_receive(struct hil *hil, uint8_t byte);

/* Serves what has been received, then sleeps until there is more.  Call it for ever. */
void hil_poll(struct hil *hil);

#endif
