/* Arm MPS3 with the Cortex-M55 image (AN547): CMSDK UART0, and the system counter of the SSE-300
 * subsystem for time.  Registers: Corstone SSE-300 TRM (101773), "System Counter". */
#include "port.h"

#include "board.h"
#include "cortex_m.h"
#include "pin.h"
#include "tinyhil.h"
#include "uart.h"

#define COUNTER_CTRL   REGISTER(BOARD_COUNTER + 0x0u)
#define COUNTER_LOW    REGISTER(BOARD_COUNTER + 0x8u) /* To be written while it stands still. */
#define COUNTER_HIGH   REGISTER(BOARD_COUNTER + 0xcu)
#define COUNTER_ENABLE (1u << 0)

#define SYSTICK_CTRL   REGISTER(0xe000e010u) /* Armv8-M Architecture Reference Manual. */
#define SYSTICK_RELOAD REGISTER(0xe000e014u)
#define SYSTICK_ON     5u /* At the core's clock, without an interrupt. */

void port_init(void) {
    cmsdk_uart_init();
    /* In QEMU 10 the counter stands still while the core sleeps, unless some timer runs. */
    SYSTICK_RELOAD = 0x00ffffffu;
    SYSTICK_CTRL = SYSTICK_ON;
    port_ticks_restart();
}

uint32_t port_tick_hz(void) {
    return HIL_CLOCK_HZ;
}

void port_ticks_restart(void) {
    if (HIL_ENERGY_MODE) {
        pin_before_restart();
    }
    COUNTER_CTRL = 0;
    COUNTER_LOW = 0;
    COUNTER_HIGH = 0;
    COUNTER_CTRL = COUNTER_ENABLE;
}

uint64_t port_ticks(void) {
    uint32_t high;
    uint32_t low;
    do { /* Until the lower half has not wrapped between the readings. */
        high = COUNTER_HIGH;
        low = COUNTER_LOW;
    } while (high != COUNTER_HIGH);
    return (uint64_t)high << 32 | low;
}

bool port_facts(struct port_facts *facts) {
    *facts = (struct port_facts){
        .core_hz = HIL_CLOCK_HZ,
        .core_clock = "the FPGA image's",
        .lap_clock = "SSE-300 counter, at the core's clock",
        .wait_states = -1,
        .speedups = cortex_m_speedups(),
    };
    return true;
}

void port_timestamp_edge(void) {
    pin_tell(PIN_FALLS);
}

void port_interrupt(uint32_t number) {
    if (number == BOARD_IRQ_UART0_RX) {
        cmsdk_uart_interrupt();
    }
}
