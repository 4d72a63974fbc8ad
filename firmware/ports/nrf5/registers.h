/* Registers that the nRF51 and the nRF52840 have in common: nRF51 Series Reference Manual 3.0.1
 * (RM) and nRF52840 Product Specification 1.7 (PS).  Where an event is to come, its register reads
 * 1 then, until it is written 0. */
#ifndef TINYHIL_NRF5_REGISTERS_H
#define TINYHIL_NRF5_REGISTERS_H

#include "cortex_m.h"

#define CLOCK(offset)             REGISTER(0x40000000u + (offset)) /* RM 13, PS 5.4 */
#define CLOCK_TASKS_HFCLKSTART    CLOCK(0x000u)
#define CLOCK_EVENTS_HFCLKSTARTED CLOCK(0x100u)
#define CLOCK_HFCLKSTAT           CLOCK(0x40cu)
#define CLOCK_HFCLKSTAT_CRYSTAL   (1u << 0) /* SRC: what runs; else the RC oscillator. */

#define UART(offset)       REGISTER(0x40002000u + (offset)) /* RM 29, PS 6.33 */
#define UART_TASKS_STARTRX UART(0x000u)
#define UART_TASKS_STARTTX UART(0x008u)
#define UART_EVENTS_RXDRDY UART(0x108u)
#define UART_EVENTS_TXDRDY UART(0x11cu)
#define UART_EVENTS_ERROR  UART(0x124u)
#define UART_INTENSET      UART(0x304u)
#define UART_INT_RXDRDY    (1u << 2)
#define UART_ENABLE        UART(0x500u)
#define UART_ENABLE_ON     4u
#define UART_PSELTXD       UART(0x50cu)
#define UART_PSELRXD       UART(0x514u)
#define UART_RXD           UART(0x518u)
#define UART_TXD           UART(0x51cu)
#define UART_BAUDRATE      UART(0x524u)

#define TIMER0(offset)       REGISTER(0x40008000u + (offset)) /* RM 18, PS 6.30 */
#define TIMER0_TASKS_START   TIMER0(0x000u)
#define TIMER0_TASKS_CLEAR   TIMER0(0x00cu)
#define TIMER0_TASKS_CAPTURE TIMER0(0x040u) /* Into CC[0]. */
#define TIMER0_COMPARE(n)    TIMER0(0x140u + 4u * (n))
#define TIMER0_INTENSET      TIMER0(0x304u)
#define TIMER0_INT(n)        (1u << (16u + (n)))
#define TIMER0_BITMODE       TIMER0(0x508u)
#define TIMER0_BITMODE_32    3u
#define TIMER0_PRESCALER     TIMER0(0x510u)
#define TIMER0_CC(n)         TIMER0(0x540u + 4u * (n))

/* Interrupts have the numbers of their peripherals: RM 3.1, PS 4.2. */
#define IRQ_UART   2u
#define IRQ_TIMER0 8u

/* A pin is 32 times its port, and its number: RM 14, PS 6.9. */
#define GPIO(pin, offset) REGISTER(0x50000000u + 0x300u * ((pin) >> 5) + (offset))
#define GPIO_OUTSET(pin)  GPIO(pin, 0x508u)
#define GPIO_OUTCLR(pin)  GPIO(pin, 0x50cu)
#define GPIO_DIRSET(pin)  GPIO(pin, 0x518u)
#define GPIO_BIT(pin)     (1u << ((pin) & 31u))

#endif
