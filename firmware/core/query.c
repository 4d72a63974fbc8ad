#include "query.h"

#include <string.h>

#include "clock.h"
#include "frame.h"
#include "infer.h"
#include "tinyhil.h"

#define HEAD_PLAIN 5u /* Bytes of a head without warm-up and count. */

void hil_query_init(struct query *query) {
    *query = (struct query){.count = 1};
}

static bool head_is_whole(const struct query *query) {
    return query->head_length >= HEAD_PLAIN &&
           (query->head_length == QUERY_HEAD_MAX || (query->head[0] & QUERY_TIMED) == 0u);
}

/* Reads a whole head and makes room for the input; false when the query is refused. */
static bool open_input(struct hil *hil, struct query *query) {
    uint32_t size = hil_frame_number(&query->head[1], 2);
    uint32_t keep = hil_frame_number(&query->head[3], 2);
    query->flags = query->head[0];
    bool timed = (query->flags & QUERY_TIMED) != 0u;
    if (timed) {
        query->warm_up = hil_frame_number(&query->head[5], 2);
        query->count = hil_frame_number(&query->head[7], 4);
    }
    if ((query->flags & ~(QUERY_TIMED | QUERY_OUTPUT | QUERY_LAPS)) != 0u ||
        ((query->flags & QUERY_LAPS) != 0u && !timed)) {
        query->reason = QUERY_FLAGS;
    } else if (size > HIL_SAMPLE_BYTES) {
        query->reason = QUERY_SIZE;
    } else if (keep > size || keep > hil->input_size) {
        query->reason = QUERY_KEEP;
    } else if (query->count == 0u) {
        query->reason = QUERY_COUNT;
    } else {
        memmove(hil->input, &hil->input[hil->input_size - keep], keep);
        hil->input_size = size;
        hil->input_position = keep;
        query->head_checked = true;
    }
    return query->head_checked;
}

enum query_state hil_query_take(struct hil *hil, struct query *query, const uint8_t **bytes,
                                size_t *size) {
    while (*size != 0u && !head_is_whole(query)) {
        query->head[query->head_length++] = *(*bytes)++;
        (*size)--;
    }
    if (!head_is_whole(query)) {
        return QUERY_UNDER_WAY;
    }
    if (!query->head_checked && !open_input(hil, query)) {
        return QUERY_REFUSED;
    }
    size_t missing = hil->input_size - hil->input_position;
    size_t taken = *size < missing ? *size : missing;
    memcpy(&hil->input[hil->input_position], *bytes, taken);
    hil->input_position += taken;
    *bytes += taken;
    *size -= taken;
    return taken == missing ? QUERY_WHOLE : QUERY_UNDER_WAY;
}

struct query_times hil_query_run(struct hil *hil, const struct query *query) {
    struct query_times times;
    const int8_t *input = engine_open(hil->input);
    if ((query->flags & QUERY_TIMED) != 0u) {
        hil_infer_untimed(hil, input, query->warm_up);
        port_transmit_flush();
        uint64_t elapsed = hil_infer_timed(hil, input, query->count);
        times.start = hil->ticks_before_restart;
        times.end = times.start + elapsed;
    } else {
        times.start = hil_clock_ticks(hil);
        hil_infer_untimed(hil, input, 1);
        times.end = hil_clock_ticks(hil);
    }
    engine_close(hil->input, hil->output);
    return times;
}
