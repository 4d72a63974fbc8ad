/* What every Cortex-M port shares; a port adds its UART, its timer and its interrupts. */
#ifndef TINYHIL_CORTEX_M_H
#define TINYHIL_CORTEX_M_H

#include <stdint.h>

/* A device register at an address. */
#define REGISTER(address) (*(volatile uint32_t *)(uintptr_t)(address))

/* Lets the NVIC pass interrupt `number` (0 is the first external one). */
void cortex_m_enable_interrupt(uint32_t number);

/* Provided by the port: serves external interrupt `number`. */
void port_interrupt(uint32_t number);

/* May be provided by a port: called in energy mode around each sleep, with interrupts masked. */
void cortex_m_sleeps(void);
void cortex_m_wakes(void);

#endif
