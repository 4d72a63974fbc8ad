/* The rate of the UART: `hil baud`, and the way back to the one that the device booted with, for
 * a new host that knows no other. */
#ifndef TINYHIL_RATE_H
#define TINYHIL_RATE_H

#include <stdbool.h>
#include <stdint.h>

struct hil;

/* Received bytes, none of them in a valid command or frame, after which another rate than the
 * first is given up.  More than the longest command and, with one damaged, the longest frame. */
#define RATE_TEXT_LIMIT   128u
#define RATE_FRAMES_LIMIT 4096u

struct rate {
    uint32_t now; /* In baud, both ways. */
    uint32_t next;
    uint32_t unproven; /* Bytes that came since the last valid command or frame. */
};

void hil_rate_init(struct hil *hil);

/* Changes to the rate that `hil baud` has announced, if it has. */
void hil_rate_apply(struct hil *hil);

/* Counts a received byte; true when the rate was wrong, and is the first one again. */
bool hil_rate_is_lost(struct hil *hil, uint32_t limit);

/* A whole valid command or frame has come. */
void hil_rate_proven(struct hil *hil);

#endif
