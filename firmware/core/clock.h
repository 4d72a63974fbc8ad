/* The device's time since boot, and the benchmark's time stamps made from it. */
#ifndef TINYHIL_CLOCK_H
#define TINYHIL_CLOCK_H

#include "hil.h"

/* Energy mode marks time by an edge on a pin, for a power monitor; performance mode by a line. */
#define CLOCK_MODE_LINE                                                                            \
    (HIL_ENERGY_MODE ? "m-timestamp-mode-energy" : "m-timestamp-mode-performance")

/* Ticks since boot. */
uint64_t hil_clock_ticks(const struct hil *hil);

/* Restarts the counter without losing the time since boot. */
void hil_clock_restart(struct hil *hil);

/* Makes the mode's time stamp of now. */
void hil_clock_stamp(const struct hil *hil);

/* Prints the performance mode's time stamp of a moment, in ticks since boot. */
void hil_clock_print(uint64_t ticks);

#endif
