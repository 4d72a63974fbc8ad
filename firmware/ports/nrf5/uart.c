/* The UART without DMA, which the nRF51 has, and the nRF52840 beside the newer one. */
#include "uart.h"

#include "board.h"
#include "cortex_m.h"
#include "registers.h"
#include "tinyhil.h"

#define CLOCK_HZ 16000000u /* The baud rate is this much times BAUDRATE, in 2^32 parts. */

/* The rates that the manuals list; others are not promised. */
static const uint32_t rates[] = {
    1200,  2400,  4800,   9600,   14400,  19200,  28800,  38400,   56000,
    57600, 76800, 115200, 230400, 250000, 460800, 921600, 1000000,
};

static bool sending; /* A byte was handed over, and has not left. */

/* The nearest multiple of 0x1000; the manuals' tables are within 0.2 % of it. */
static uint32_t divider(uint32_t baud) {
    uint64_t parts = (((uint64_t)baud << 32) + CLOCK_HZ / 2u) / CLOCK_HZ;
    return ((uint32_t)parts + 0x800u) & ~UINT32_C(0xfff);
}

bool port_baud_supported(uint32_t baud) {
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        if (rates[i] == baud) {
            return true;
        }
    }
    return false;
}

void port_set_baud(uint32_t baud) {
    port_transmit_flush();
    UART_BAUDRATE = divider(baud);
}

void uart_init(void) {
    GPIO_OUTSET(BOARD_UART_TX) = GPIO_BIT(BOARD_UART_TX); /* High while it is no UART's. */
    GPIO_DIRSET(BOARD_UART_TX) = GPIO_BIT(BOARD_UART_TX);
    UART_PSELTXD = BOARD_UART_TX;
    UART_PSELRXD = BOARD_UART_RX;
    UART_BAUDRATE = divider(HIL_BAUD);
    UART_ENABLE = UART_ENABLE_ON;
    UART_EVENTS_RXDRDY = 0;
    UART_EVENTS_TXDRDY = 0;
    UART_INTENSET = UART_INT_RXDRDY;
    cortex_m_enable_interrupt(IRQ_UART);
    UART_TASKS_STARTTX = 1;
    UART_TASKS_STARTRX = 1;
}

/* The event comes again for each byte that the receiver holds. */
void uart_interrupt(void) {
    while (UART_EVENTS_RXDRDY != 0u) {
        UART_EVENTS_RXDRDY = 0;
        tinyhil_receive((uint8_t)UART_RXD);
    }
}

void port_transmit_flush(void) {
    if (sending) {
        while (UART_EVENTS_TXDRDY == 0u) {
        }
        UART_EVENTS_TXDRDY = 0;
        sending = false;
    }
}

void port_transmit(uint8_t byte) {
    port_transmit_flush();
    UART_TXD = byte;
    sending = true;
}
