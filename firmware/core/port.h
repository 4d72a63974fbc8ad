/* What a board's port gives to the core; nothing else in the core knows a board.
 *
 * One folder under ports/ implements this for one board.  `port_init` runs once, before any other
 * function, with interrupts masked. */
#ifndef TINYHIL_PORT_H
#define TINYHIL_PORT_H

#include <stdbool.h>
#include <stdint.h>

/* Starts clocks, UART (8N1) and timer.  Every byte received later goes, in interrupt context, to
 * `main_receive` (main.h). */
void port_init(void);

/* Sends one byte; waits while the transmitter is full. */
void port_transmit(uint8_t byte);

/* Waits until the last byte has left, so that no UART activity falls into a timed region. */
void port_transmit_flush(void);

/* Whether the UART's divider comes within 2 % of a rate, in baud; never 0. */
bool port_baud_supported(uint32_t baud);

/* Changes to such a rate, both ways, after the last byte has left.  `port_init` sets HIL_BAUD. */
void port_set_baud(uint32_t baud);

/* Frequency of `port_ticks`, in Hz. */
uint32_t port_tick_hz(void);

/* Restarts the tick counter at 0.  A restarted timer is what makes a timed region repeat to
 * the tick: a free-running one adds its phase. */
void port_ticks_restart(void);

/* Ticks since the last restart.  Must be called, or the timer's interrupt served, at least once
 * in each wrap of the hardware counter. */
uint64_t port_ticks(void);

/* Masks interrupts and returns the state to hand to `port_interrupts_restore`. */
uint32_t port_interrupts_mask(void);
void port_interrupts_restore(uint32_t state);

/* Sleeps until an interrupt is pending; called with interrupts masked, so that none is missed
 * between the check for work and the sleep. */
void port_wait_for_interrupt(void);

/* Energy mode: a falling edge on the time stamp pin, low for at least 1 us. */
void port_timestamp_edge(void);

/* The IDENTITY_BUILD_BYTES bytes that the linker made of the image's content. */
const uint8_t *port_build_id(void);

/* The stack as reserved by the linker, for painting: lowest address, and first one after it. */
uint32_t *port_stack_limit(void);
uint32_t *port_stack_top(void);

#endif
