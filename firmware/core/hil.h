/* The device side of the benchmark: one context, the commands of the MLPerf Tiny text protocol,
 * and the `hil` commands of our own, which do not collide with any official command.  One of
 * them leads to frames, which FRAMES.md describes. */
#ifndef TINYHIL_HIL_H
#define TINYHIL_HIL_H

#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config.h"
#include "identity.h"
#include "rate.h"
#include "ring.h"
#include "stream.h"

#define HIL_COMMAND_SIZE 80u   /* Characters of a command, terminator included (protocol). */
#define HIL_LARGEST      27648 /* Bytes of the largest sample of the benchmark (protocol). */
#define HIL_LAPS         1024u /* Inferences of one `infer` whose times are kept. */
#define HIL_TEXT_QUEUE   512u
#define HIL_RESULTS_MAX  255u

/* Bytes that `db load` takes: the protocol's, or what the model's own sample needs. */
#define HIL_INPUT_SIZE (HIL_SAMPLE_BYTES > HIL_INPUT_LEAST ? HIL_SAMPLE_BYTES : HIL_INPUT_LEAST)

/* While frames are spoken, they queue in the input buffer behind the sample.  Room for the next
 * sample, and for a frame or two on top, keeps the host sending; the benchmark's largest buffer
 * has that except for the largest samples.  Where samples are larger than any of the benchmark,
 * there is room for so much of the next one, and none where nobody speaks frames. */
#define HIL_AHEAD        (HIL_SAMPLE_BYTES < HIL_LARGEST ? HIL_SAMPLE_BYTES : HIL_LARGEST)
#define HIL_QUEUES       (HIL_EXTENSION || HIL_SAMPLE_BYTES <= HIL_LARGEST)
#define HIL_ROOM         (HIL_SAMPLE_BYTES + (HIL_QUEUES ? HIL_AHEAD + 2048 : 16))
#define HIL_STORAGE      (HIL_ROOM > HIL_INPUT_SIZE ? HIL_ROOM : HIL_INPUT_SIZE)
#define HIL_QUEUE_OFFSET ((HIL_SAMPLE_BYTES + 7) / 8 * 8)
#define HIL_QUEUE_SIZE   ((uint32_t)(HIL_STORAGE - HIL_QUEUE_OFFSET))

_Static_assert(!HIL_EXTENSION || HIL_SAMPLE_BYTES <= UINT16_MAX, "frames count it by 16 bits");

struct hil {
    struct ring received;
    uint8_t text_queue[HIL_TEXT_QUEUE]; /* Of `received`, while text is spoken. */

    char command[HIL_COMMAND_SIZE];
    size_t command_length;
    bool command_too_long;
    bool command_unknown; /* The last command was unknown. */

    const struct transport *frames; /* What to speak from the next `m-ready` on; NULL: text. */
    struct stream stream;
    struct rate rate;

    size_t input_size;     /* Bytes asked for by the last `db load`, or of the last query. */
    size_t input_position; /* Bytes that have come since. */

    uint8_t *input; /* HIL_STORAGE bytes, as loaded; the model reads them and never writes them. */
    int8_t *arena;  /* HIL_ARENA_BYTES; both are 16-byte aligned, and the caller's. */
    uint8_t *token; /* IDENTITY_TOKEN_BYTES, the caller's. */
    int8_t output[HIL_OUTPUT_BYTES];

    uint64_t ticks_before_restart; /* Ticks since boot at the last restart of the counter. */
    uint32_t laps[HIL_LAPS];       /* Ticks of each inference of the last `infer`. */
    uint32_t lap_count;
};

/* Prepares the context, which is all zero, as input and token are; before the first byte can be
 * received. */
void hil_init(struct hil *hil, uint8_t *input, int8_t *arena, uint8_t *token);

/* Begins the time since boot and prints the boot lines. */
void hil_start(struct hil *hil);

/* Serves what has been received, then sleeps until there is more.  Call it forever. */
void hil_poll(struct hil *hil);

#endif
