/* The port of a board with an STM32L4 or L4+; GPIO: RM0351, 8.5. */
#include "port.h"

#include "board.h"
#include "clock.h"
#include "cortex_m.h"
#include "cycles.h"
#include "pins.h"
#include "registers.h"
#include "tinyhil.h"
#include "uart.h"

void port_init(void) {
    clock_init();
    board_uart_on();
    pin_function(BOARD_UART_TX, BOARD_UART_PIN_FUNCTION);
    pin_function(BOARD_UART_RX, BOARD_UART_PIN_FUNCTION);
    pin_output(BOARD_STAMP_PIN);
    uart_init();
    cycles_init();
}

bool port_facts(struct port_facts *facts) {
    uint32_t flash = clock_flash();
    *facts = (struct port_facts){
        .core_hz = HIL_CLOCK_HZ,
        .core_clock = clock_name(),
        .lap_clock = cycles_clock(),
        .wait_states = (int)(flash & FLASH_ACR_LATENCY),
        .speedups = ((flash & FLASH_ACR_PRFTEN) != 0u ? PORT_PREFETCH : 0u) |
                    ((flash & FLASH_ACR_ICEN) != 0u ? PORT_ICACHE : 0u) |
                    ((flash & FLASH_ACR_DCEN) != 0u ? PORT_DCACHE : 0u),
    };
    return true;
}

void port_timestamp_edge(void) {
    pin_set(BOARD_STAMP_PIN, false);
    cortex_m_wait_us(1);
    pin_set(BOARD_STAMP_PIN, true);
}

void port_interrupt(uint32_t number) {
    if (number == BOARD_IRQ_UART) {
        uart_interrupt();
    }
}
