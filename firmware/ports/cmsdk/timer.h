/* Timer of Arm's Cortex-M System Design Kit (CMSDK), as the tick counter of port.h.  The board's
 * board.h says where it is: BOARD_TIMER0, BOARD_IRQ_TIMER0. */
#ifndef TINYHIL_CMSDK_TIMER_H
#define TINYHIL_CMSDK_TIMER_H

/* Starts the counter and its interrupt. */
void cmsdk_timer_init(void);

/* Serves the timer's interrupt: the 32-bit counter has wrapped. */
void cmsdk_timer_interrupt(void);

#endif
