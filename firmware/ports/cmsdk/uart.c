/* Registers: Arm Cortex-M System Design Kit TRM (DDI 0479), chapter 4.3. */
#include "uart.h"

#include "board.h"
#include "cortex_m.h"
#include "main.h"
#include "port.h"

#define UART_DATA    REGISTER(BOARD_UART0 + 0x00u)
#define UART_STATE   REGISTER(BOARD_UART0 + 0x04u)
#define UART_CTRL    REGISTER(BOARD_UART0 + 0x08u)
#define UART_INT     REGISTER(BOARD_UART0 + 0x0cu)
#define UART_BAUDDIV REGISTER(BOARD_UART0 + 0x10u)
#define UART_TX_FULL (1u << 0)
#define UART_RX_FULL (1u << 1)
#define UART_CTRL_ON (1u << 0 | 1u << 1 | 1u << 3) /* Transmit, receive, receive interrupt. */
#define UART_INT_RX  (1u << 1)

void cmsdk_uart_init(void) {
    UART_BAUDDIV = (HIL_CLOCK_HZ + HIL_BAUD / 2u) / HIL_BAUD;
    UART_CTRL = UART_CTRL_ON;
    cortex_m_enable_interrupt(BOARD_IRQ_UART0_RX);
}

void cmsdk_uart_interrupt(void) {
    UART_INT = UART_INT_RX;
    while ((UART_STATE & UART_RX_FULL) != 0u) {
        main_receive((uint8_t)UART_DATA);
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
