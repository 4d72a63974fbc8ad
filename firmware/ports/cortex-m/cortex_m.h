/* What every Cortex-M port shares; a port adds its UART, its timer and its interrupts. */
#ifndef TINYHIL_CORTEX_M_H
#define TINYHIL_CORTEX_M_H

#include <stdint.h>

#include "tinyhil.h"

/* A device register at an address. */
#define REGISTER(address) (*(volatile uint32_t *)(uintptr_t)(address))

/* Lets the NVIC pass interrupt `number` (0 is the first external one). */
void cortex_m_enable_interrupt(uint32_t number);

/* Switches on the core's own caches and low-overhead branches, as far as it has them. */
void cortex_m_speed_up(void);

/* Which of them are on, of `port_speedup`. */
unsigned cortex_m_speedups(void);

/* Provided by the port: serves external interrupt `number`. */
void port_interrupt(uint32_t number);

/* May be provided by a port: called around each sleep, with interrupts masked. */
void cortex_m_sleeps(void);
void cortex_m_wakes(void);

/* May be provided by a port that has started SysTick: serves its interrupt. */
void cortex_m_systick(void);

/* Lets at least so many microseconds pass: an iteration takes four cycles or more. */
static inline void cortex_m_wait_us(uint32_t us) {
    for (volatile uint32_t left = us * (HIL_CLOCK_HZ / 1000000u) / 4u + 1u; left != 0u; left--) {
    }
}

#endif
