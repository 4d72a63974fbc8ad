/* ST B-L475E-IOT01A: STM32L475VG at 80 MHz.  Pins: user manual UM2153 and data sheet DS10969,
 * table 17; interrupts: RM0351, 13.3. */
#ifndef TINYHIL_BOARD_H
#define TINYHIL_BOARD_H

#include "pins.h"
#include "registers.h"

#define BOARD_WAIT_STATES       4u          /* At 64 to 80 MHz. */
#define BOARD_SYSTICK_DIVIDER   8u          /* SysTick's other clock is HCLK / 8: RM0351, 6.2. */
#define BOARD_UART              0x40013800u /* USART1, at the debug probe's serial port. */
#define BOARD_UART_IS_LPUART    0
#define BOARD_IRQ_UART          37u
#define BOARD_UART_TX           PIN('B', 6)
#define BOARD_UART_RX           PIN('B', 7)
#define BOARD_UART_PIN_FUNCTION 7u
#define BOARD_STAMP_PIN         PIN('A', 4) /* D7 of the Arduino connector. */

static inline void board_uart_on(void) {
    RCC_APB2ENR |= 1u << 14; /* USART1EN */
}

#endif
