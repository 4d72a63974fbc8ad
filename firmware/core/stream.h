/* Sessions over frames: DATA in its order, queries out of it, an answer to each. */
#ifndef TINYHIL_STREAM_H
#define TINYHIL_STREAM_H

#include "frame.h"
#include "query.h"

struct stream {
    struct frame_reader reader;
    struct frame_writer writer;
    uint32_t session; /* 0: none yet. */
    uint16_t expected;
    uint8_t unacknowledged; /* DATA frames taken since the host was told of `expected`. */
    bool gap_told;          /* The host was told of a gap, by a STATUS with these two. */
    uint8_t gap_turn;
    uint16_t gap_expected;
    bool refused;    /* A query was; only START, PING and LEAVE count. */
    uint32_t number; /* Of the query at hand; so many have been answered. */
    struct query query;
};

/* Speaks frames until the host leaves. */
void hil_stream_serve(struct hil *hil, const struct transport *transport);

#endif
