/* The tick counter of tinyhil.h: the core's own cycle counter, or where there is none, or one that
 * does not count, as QEMU's, the port's timer. */
#ifndef TINYHIL_CORTEX_M_CYCLES_H
#define TINYHIL_CORTEX_M_CYCLES_H

/* Starts the timer and finds out whether the cycle counter counts; once, after the clocks. */
void cycles_init(void);

/* Notes a wrap of the cycle counter; at least once in each, so call it in the timer's interrupt. */
void cycles_look(void);

/* Which of the two it is, for `hil info`. */
const char *cycles_clock(void);

#endif
