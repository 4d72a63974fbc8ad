/* The port of a board whose UART0 and timer 0 are both those of the CMSDK. */
#include "port.h"

#include "board.h"
#include "cortex_m.h"
#include "pin.h"
#include "timer.h"
#include "tinyhil.h"
#include "uart.h"

void port_init(void) {
    cmsdk_uart_init();
    cmsdk_timer_init();
}

bool port_facts(struct port_facts *facts) {
    *facts = (struct port_facts){
        .core_hz = HIL_CLOCK_HZ,
        .core_clock = "the FPGA image's",
        .lap_clock = "CMSDK timer 0, at the core's clock",
        .wait_states = -1,
        .speedups = cortex_m_speedups(),
    };
    return true;
}

void port_timestamp_edge(void) {
    pin_tell(PIN_FALLS);
}

void port_interrupt(uint32_t number) {
    if (number == BOARD_IRQ_TIMER0) {
        cmsdk_timer_interrupt();
    } else if (number == BOARD_IRQ_UART0_RX) {
        cmsdk_uart_interrupt();
    }
}
