/* Registers: RM0351, 40.8 (USART) and 41.7 (LPUART); RM0432, 50 and 51.  What is used is the same
 * in all but the divider: an LPUART's has 8 more bits behind the point. */
#include "uart.h"

#include "board.h"
#include "cortex_m.h"
#include "tinyhil.h"

#define UART_CR1        REGISTER(BOARD_UART + 0x00u)
#define UART_CR1_UE     (1u << 0)
#define UART_CR1_RE     (1u << 2)
#define UART_CR1_TE     (1u << 3)
#define UART_CR1_RXNEIE (1u << 5)
#define UART_BRR        REGISTER(BOARD_UART + 0x0cu)
#define UART_ISR        REGISTER(BOARD_UART + 0x1cu)
#define UART_ISR_RXNE   (1u << 5)
#define UART_ISR_TC     (1u << 6)
#define UART_ISR_TXE    (1u << 7)
#define UART_ICR        REGISTER(BOARD_UART + 0x20u)
#define UART_ICR_ERRORS 0x0fu /* Parity, framing, noise, overrun: the last interrupts, too. */
#define UART_RDR        REGISTER(BOARD_UART + 0x24u)
#define UART_TDR        REGISTER(BOARD_UART + 0x28u)

#define UART_ON (UART_CR1_UE | UART_CR1_RE | UART_CR1_TE | UART_CR1_RXNEIE)

#define STEPS       (BOARD_UART_IS_LPUART ? 256u : 1u) /* Of the divider, in a clock. */
#define DIVIDER_MIN (BOARD_UART_IS_LPUART ? 0x300u : 16u)
#define DIVIDER_MAX (BOARD_UART_IS_LPUART ? 0xfffffu : 0xffffu)

static uint32_t divider(uint32_t baud) {
    return (uint32_t)(((uint64_t)HIL_CLOCK_HZ * STEPS + baud / 2u) / baud);
}

bool port_baud_supported(uint32_t baud) {
    uint32_t steps = divider(baud);
    if (steps < DIVIDER_MIN || steps > DIVIDER_MAX) {
        return false;
    }
    int64_t made = (int64_t)steps * baud;
    int64_t error = (int64_t)HIL_CLOCK_HZ * STEPS - made;
    return (error < 0 ? -error : error) * 50 <= made;
}

void port_set_baud(uint32_t baud) {
    port_transmit_flush();
    UART_CR1 = 0; /* The divider can be written while the UART is off. */
    UART_BRR = divider(baud);
    UART_CR1 = UART_ON;
}

void uart_init(void) {
    UART_BRR = divider(HIL_BAUD);
    UART_CR1 = UART_ON;
    cortex_m_enable_interrupt(BOARD_IRQ_UART);
}

void uart_interrupt(void) {
    UART_ICR = UART_ICR_ERRORS;
    while ((UART_ISR & UART_ISR_RXNE) != 0u) {
        tinyhil_receive((uint8_t)UART_RDR);
    }
}

void port_transmit(uint8_t byte) {
    while ((UART_ISR & UART_ISR_TXE) == 0u) {
    }
    UART_TDR = byte;
}

void port_transmit_flush(void) {
    while ((UART_ISR & UART_ISR_TC) == 0u) {
    }
}
