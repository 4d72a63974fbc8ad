/* Clocks and flash of an STM32L4 or L4+, for the board's highest core clock. */
#ifndef TINYHIL_STM32L4_CLOCK_H
#define TINYHIL_STM32L4_CLOCK_H

#include <stdint.h>

/* From what a reset leaves, the MSI at 4 MHz, to HIL_CLOCK_HZ; once, with interrupts masked. */
void clock_init(void);

/* Where the core's clock comes from, as the registers read. */
const char *clock_name(void);

/* FLASH_ACR, as it reads now. */
uint32_t clock_flash(void);

#define FLASH_ACR_LATENCY 0x0fu
#define FLASH_ACR_PRFTEN  (1u << 8)
#define FLASH_ACR_ICEN    (1u << 9)
#define FLASH_ACR_DCEN    (1u << 10)

#endif
