/* A timer that counts on while the core sleeps, which a port gives to cycles.c. */
#ifndef TINYHIL_CORTEX_M_TIMER_H
#define TINYHIL_CORTEX_M_TIMER_H

#include <stdint.h>

/* Its name in the answer to `hil info`. */
extern const char timer_name[];

/* Starts it, with an interrupt often enough that no wrap is missed; once, after the clocks. */
void timer_init(void);

/* Frequency in Hz, of which the core's is a multiple. */
uint32_t timer_hz(void);

/* Lets it start over at 0. */
void timer_restart(void);

/* Ticks since then; interrupts must be masked. */
uint64_t timer_ticks(void);

#endif
