/* ST NUCLEO-L4R5ZI: STM32L4R5ZI at 120 MHz.  Pins: user manual UM2179 and data sheet DS12023;
 * interrupts: RM0432, 16.3. */
#ifndef TINYHIL_BOARD_H
#define TINYHIL_BOARD_H

#include "pins.h"
#include "registers.h"

#define BOARD_WAIT_STATES       5u          /* At 100 to 120 MHz. */
#define BOARD_SYSTICK_DIVIDER   8u          /* SysTick's other clock is HCLK / 8: RM0432, 6.2. */
#define BOARD_UART              0x40008000u /* LPUART1, at the debug probe's serial port. */
#define BOARD_UART_IS_LPUART    1
#define BOARD_IRQ_UART          70u
#define BOARD_UART_TX           PIN('G', 7)
#define BOARD_UART_RX           PIN('G', 8)
#define BOARD_UART_PIN_FUNCTION 8u
#define BOARD_STAMP_PIN         PIN('F', 13) /* D7 of the Arduino connector. */

#define PWR_CR2      REGISTER(0x40007004u) /* RM0432, 5.4.2 */
#define PWR_CR2_IOSV (1u << 9)             /* VDDIO2 is there, which port G's pins run off. */

static inline void board_uart_on(void) {
    PWR_CR2 |= PWR_CR2_IOSV;
    RCC_APB1ENR2 |= 1u << 0; /* LPUART1EN */
}

#endif
