/* The port of a board with an nRF51 or an nRF52840. */
#include "port.h"

#include "board.h"
#include "cortex_m.h"
#include "cycles.h"
#include "nrf_timer.h"
#include "registers.h"
#include "tinyhil.h"
#include "uart.h"

/* A crystal starts within 2 ms; so many looks take 12 ms or more. */
#define CRYSTAL_LOOKS 100000u

/* Within 60 ppm or better, instead of the RC oscillator's 1.5 % and more. */
static void start_crystal(void) {
    CLOCK_EVENTS_HFCLKSTARTED = 0;
    CLOCK_TASKS_HFCLKSTART = 1;
    for (uint32_t look = 0; look < CRYSTAL_LOOKS && CLOCK_EVENTS_HFCLKSTARTED == 0u; look++) {
    }
}

void port_init(void) {
    start_crystal();
    board_flash_init();
    GPIO_OUTSET(BOARD_STAMP_PIN) = GPIO_BIT(BOARD_STAMP_PIN);
    GPIO_DIRSET(BOARD_STAMP_PIN) = GPIO_BIT(BOARD_STAMP_PIN);
    uart_init();
    cycles_init();
}

bool port_facts(struct port_facts *facts) {
    *facts = (struct port_facts){
        .core_hz = HIL_CLOCK_HZ,
        .core_clock = (CLOCK_HFCLKSTAT & CLOCK_HFCLKSTAT_CRYSTAL) != 0u
                          ? "crystal"
                          : "RC oscillator, crystal does not start",
        .lap_clock = cycles_clock(),
        .wait_states = -1,
        .speedups = board_flash_speedups(),
    };
    return true;
}

void port_timestamp_edge(void) {
    GPIO_OUTCLR(BOARD_STAMP_PIN) = GPIO_BIT(BOARD_STAMP_PIN);
    cortex_m_wait_us(1);
    GPIO_OUTSET(BOARD_STAMP_PIN) = GPIO_BIT(BOARD_STAMP_PIN);
}

void port_interrupt(uint32_t number) {
    if (number == IRQ_UART) {
        uart_interrupt();
    } else if (number == IRQ_TIMER0) {
        nrf_timer_interrupt();
    }
}
