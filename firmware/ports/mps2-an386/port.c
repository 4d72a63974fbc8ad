/* Arm MPS2 with a Cortex-M system design kit image (AN385, AN386): CMSDK UART0 and timer 0.
 * Registers: Arm Cortex-M System Design Kit TRM (DDI 0479), chapters 4.2 (timer), 4.3 (UART). */
#include "port.h"

#include "cortex_m.h"
#include "main.h"

#define TIMER_CTRL   REGISTER(0x40000000u)
#define TIMER_VALUE  REGISTER(0x40000004u)
#define TIMER_RELOAD REGISTER(0x40000008u)
#define TIMER_INT    REGISTER(0x4000000cu)
#define TIMER_ENABLE (1u << 0)
#define TIMER_INT_ON (1u << 3)

#define UART_DATA    REGISTER(0x40004000u)
#define UART_STATE   REGISTER(0x40004004u)
#define UART_CTRL    REGISTER(0x40004008u)
#define UART_INT     REGISTER(0x4000400cu)
#define UART_BAUDDIV REGISTER(0x40004010u)
#define UART_TX_FULL (1u << 0)
#define UART_RX_FULL (1u << 1)
#define UART_CTRL_ON (1u << 0 | 1u << 1 | 1u << 3) /* Transmit, receive, receive interrupt. */
#define UART_INT_RX  (1u << 1)

#define IRQ_UART0_RX 0u
#define IRQ_TIMER0   8u

#define COUNTER_START 0xffffffffu /* The counter runs down from here. */

static volatile uint32_t wraps; /* Of the counter since its restart. */

void port_init(void) {
    UART_BAUDDIV = (HIL_CLOCK_HZ + HIL_BAUD / 2u) / HIL_BAUD;
    UART_CTRL = UART_CTRL_ON;
    port_ticks_restart();
    cortex_m_enable_interrupt(IRQ_UART0_RX);
    cortex_m_enable_interrupt(IRQ_TIMER0);
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

uint32_t port_tick_hz(void) {
    return HIL_CLOCK_HZ;
}

void port_ticks_restart(void) {
    TIMER_CTRL = 0;
    TIMER_INT = 1;
    wraps = 0;
    TIMER_RELOAD = COUNTER_START;
    TIMER_VALUE = COUNTER_START;
    TIMER_CTRL = TIMER_ENABLE | TIMER_INT_ON;
}

/* Counts a wrap that the interrupt has not served yet; interrupts must be masked. */
static void count_wrap(void) {
    if ((TIMER_INT & 1u) != 0u) {
        TIMER_INT = 1;
        wraps++;
    }
}

uint64_t port_ticks(void) {
    uint32_t state = port_interrupts_mask();
    uint32_t value;
    do { /* Until no wrap fell between the reading and its count. */
        count_wrap();
        value = TIMER_VALUE;
    } while ((TIMER_INT & 1u) != 0u);
    uint64_t ticks = ((uint64_t)wraps << 32) + (COUNTER_START - value);
    port_interrupts_restore(state);
    return ticks;
}

void port_timestamp_edge(void) {
    /* QEMU's MPS2 has no pin to watch; energy needs a physical board. */
}

void port_interrupt(uint32_t number) {
    if (number == IRQ_TIMER0) {
        count_wrap();
    } else if (number == IRQ_UART0_RX) {
        UART_INT = UART_INT_RX;
        while ((UART_STATE & UART_RX_FULL) != 0u) {
            main_receive((uint8_t)UART_DATA);
        }
    }
}
