/* Registers: Arm Cortex-M System Design Kit TRM (DDI 0479), chapter 4.3. */
#include "uart.h"

#include "board.h"
#include "cortex_m.h"
#include "tinyhil.h"

#define UART_DATA    REGISTER(BOARD_UART0 + 0x00u)
#define UART_STATE   REGISTER(BOARD_UART0 + 0x04u)
#define UART_CTRL    REGISTER(BOARD_UART0 + 0x08u)
#define UART_INT     REGISTER(BOARD_UART0 + 0x0cu)
#define UART_BAUDDIV REGISTER(BOARD_UART0 + 0x10u)
#define UART_TX_FULL (1u << 0)
#define UART_RX_FULL (1u << 1)
#define UART_CTRL_ON (1u << 0 | 1u << 1 | 1u << 3) /* Transmit, receive, receive interrupt. */
#define UART_INT_RX  (1u << 1)

#define DIVIDER_MIN 16u
#define DIVIDER_MAX 0xfffffu

#define BYTE_BITS 10u /* 8N1. */

static uint32_t divider(uint32_t baud) {
    return (uint32_t)(((uint64_t)HIL_CLOCK_HZ + baud / 2u) / baud);
}

bool port_baud_supported(uint32_t baud) {
    uint32_t clocks = divider(baud);
    if (clocks < DIVIDER_MIN || clocks > DIVIDER_MAX) {
        return false;
    }
    int64_t error = (int64_t)HIL_CLOCK_HZ - (int64_t)clocks * baud;
    return (error < 0 ? -error : error) * 50 <= (int64_t)clocks * baud;
}

void port_set_baud(uint32_t baud) {
    port_transmit_flush();
    /* Nothing tells when the shift register is empty; its byte takes so long.  The timer runs by
     * the UART's clock. */
    uint64_t start = port_ticks();
    while (port_ticks() - start < (uint64_t)(BYTE_BITS + 1u) * UART_BAUDDIV) {
    }
    UART_BAUDDIV = divider(baud);
}

void cmsdk_uart_init(void) {
    UART_BAUDDIV = divider(HIL_BAUD);
    UART_CTRL = UART_CTRL_ON;
    cortex_m_enable_interrupt(BOARD_IRQ_UART0_RX);
}

void cmsdk_uart_interrupt(void) {
    UART_INT = UART_INT_RX;
    while ((UART_STATE & UART_RX_FULL) != 0u) {
        tinyhil_receive((uint8_t)UART_DATA);
    }
}

void port_transmit(uint8_t byte) {
    while ((UART_STATE & UART_TX_FULL) != 0u) {
    }
    UART_DATA = byte;
}

void port_transmit_flush(void) {
    while ((UART_STATE & UART_TX_FULL) != 0u) {
    }
}
