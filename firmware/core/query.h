/* The stream of queries: each one's head, then the part of its input that is new. */
#ifndef TINYHIL_QUERY_H
#define TINYHIL_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hil;

#define QUERY_TIMED  1u /* Interrupts masked, on a restarted timer. */
#define QUERY_OUTPUT 2u /* The answer has the model's raw output. */
#define QUERY_LAPS   4u /* The answer has the ticks of each inference; only with the first. */

#define QUERY_HEAD_MAX 11u /* Bytes before the input. */

enum query_state {
    QUERY_UNDER_WAY, /* All bytes were taken; more must come. */
    QUERY_WHOLE,     /* The input buffer holds the query's input. */
    QUERY_REFUSED,   /* `reason` says why. */
};

enum query_reason {
    QUERY_SIZE = 1,
    QUERY_KEEP = 2,
    QUERY_COUNT = 3,
    QUERY_FLAGS = 4,
};

struct query {
    uint8_t head[QUERY_HEAD_MAX];
    uint8_t head_length; /* Bytes of it that have come. */
    bool head_checked;
    uint8_t flags;
    enum query_reason reason;
    uint32_t warm_up;
    uint32_t count;
};

/* Begins with a new query. */
void hil_query_init(struct query *query);

/* Takes bytes off `*bytes` up to the end of the query at hand. */
enum query_state hil_query_take(struct hil *hil, struct query *query, const uint8_t **bytes,
                                size_t *size);

/* When a query's inferences began and ended, in ticks since boot. */
struct query_times {
    uint64_t start;
    uint64_t end;
};

/* Runs the inferences of a whole query. */
struct query_times hil_query_run(struct hil *hil, const struct query *query);

#endif
