/* Registers: Arm Cortex-M System Design Kit TRM (DDI 0479), chapter 4.3. */
#include "pin.h"

#include "board.h"
#include "cortex_m.h"
#include "tinyhil.h"

#define UART_DATA    REGISTER(BOARD_UART1 + 0x00u)
#define UART_STATE   REGISTER(BOARD_UART1 + 0x04u)
#define UART_CTRL    REGISTER(BOARD_UART1 + 0x08u)
#define UART_BAUDDIV REGISTER(BOARD_UART1 + 0x10u)
#define UART_TX_FULL (1u << 0)
#define UART_CTRL_ON (1u << 0)
#define DIVIDER_MIN  16u

static uint64_t ticks_before; /* Of the time before the counter started over. */

static void send(uint8_t byte) {
    while ((UART_STATE & UART_TX_FULL) != 0u) {
    }
    UART_DATA = byte;
}

void pin_tell(char what) {
    uint64_t ticks = ticks_before + port_ticks();
    UART_BAUDDIV = DIVIDER_MIN;
    UART_CTRL = UART_CTRL_ON;
    send((uint8_t)what);
    for (uint32_t shift = 0; shift < 64u; shift += 8u) {
        send((uint8_t)(ticks >> shift));
    }
}

void cortex_m_sleeps(void) {
    if (HIL_ENERGY_MODE) {
        pin_tell(PIN_SLEEPS);
    }
}

void cortex_m_wakes(void) {
    if (HIL_ENERGY_MODE) {
        pin_tell(PIN_WAKES);
    }
}

void pin_before_restart(void) {
    ticks_before += port_ticks();
}
