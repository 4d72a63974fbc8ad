/* TIMER0's interrupt; see timer.h for the rest. */
#ifndef TINYHIL_NRF5_TIMER_H
#define TINYHIL_NRF5_TIMER_H

void nrf_timer_interrupt(void);

#endif
