/* The device that the port is for: a processor that computes in no time, and whose clock moves only
 * while it waits. */
#ifndef TINYHIL_HOST_DEVICE_H
#define TINYHIL_HOST_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "identity.h"
#include "line.h"

struct device_options {
    struct line_options line;
    uint8_t build_id[IDENTITY_BUILD_BYTES];
    uint32_t infer_us; /* What an inference takes on the device's clock. */
    uint32_t variant;  /* Of the replayed model; another one has other outputs. */
    bool no_wait;      /* The clock jumps over an inference instead of waiting for its end. */
};

/* Before the firmware's `main`. */
void device_configure(const struct device_options *options);

/* Which model is replayed. */
uint32_t device_variant(void);

/* Lets the time of one inference pass; interrupts are served during it unless they are masked. */
void device_infer(void);

#endif
