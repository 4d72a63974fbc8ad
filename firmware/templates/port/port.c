/* The port of __NAME__: its clocks, its UART and its timer.  It compiles as it is, and says
 * nothing: fill in what is marked TODO, by the chip's reference manual, then try the board with
 * `tinyhil doctor --board STATION --flash`.  tinyhil.h says what each `port_` function must do. */
#include "port.h"

#include "cortex_m.h"
#include "tinyhil.h"

/* Fill in ************************************************************************************* */

#define UART_CLOCK_HZ    HIL_CLOCK_HZ /* TODO: what the UART's divider divides. */
#define UART_DIVIDER_MAX 0xffffu      /* TODO: the largest that its register takes. */
#define UART_IRQ         0u /* TODO: number of its interrupt; 0 is the first external one. */
#define TIMER_IRQ        1u /* TODO: of the timer's. */

static void clocks_start(void) {
    /* TODO: run the core at the board's clock_hz, which is HIL_CLOCK_HZ: oscillator, PLL, and
     * before that the flash's wait states.  Switch on caches and prefetch. */
}

static void uart_start(uint32_t divider) {
    (void)divider; /* TODO: clock and pins on; 8N1 at this divider; interrupt per received byte. */
}

static bool uart_can_take(void) {
    return true; /* TODO: whether the transmitter has room for a byte. */
}

static void uart_send(uint8_t byte) {
    (void)byte; /* TODO: write it into the data register. */
}

static bool uart_is_idle(void) {
    return true; /* TODO: whether the last bit has left. */
}

static bool uart_has_byte(void) {
    return false; /* TODO: whether a byte has been received; clear an overrun, if one is flagged. */
}

static uint8_t uart_take(void) {
    return 0; /* TODO: read it from the data register. */
}

static void timer_start(void) {
    /* TODO: a timer of 32 bits that counts up at HIL_CLOCK_HZ, on while the core sleeps, with an
     * interrupt at each wrap; from 0 each time that this is called. */
}

static uint32_t timer_count(void) {
    return 0; /* TODO: read it. */
}

static bool timer_has_wrapped(void) {
    return false; /* TODO: whether its flag is set; clear it. */
}

void port_timestamp_edge(void) {
    /* TODO, to measure energy: a pin goes low for 1 us or more, and high again. */
}

/* Done **************************************************************************************** */

static volatile uint32_t wraps; /* Of the timer since its restart. */

static uint32_t divider_of(uint32_t baud) {
    return (UART_CLOCK_HZ + baud / 2u) / baud;
}

void port_init(void) {
    clocks_start();
    uart_start(divider_of(HIL_BAUD));
    port_ticks_restart();
    cortex_m_enable_interrupt(UART_IRQ);
    cortex_m_enable_interrupt(TIMER_IRQ);
}

static void count_wrap(void) {
    if (timer_has_wrapped()) {
        wraps++;
    }
}

void port_interrupt(uint32_t number) {
    if (number == TIMER_IRQ) {
        count_wrap();
    }
    while (number == UART_IRQ && uart_has_byte()) {
        tinyhil_receive(uart_take());
    }
}

void port_transmit(uint8_t byte) {
    while (!uart_can_take()) {
    }
    uart_send(byte);
}

void port_transmit_flush(void) {
    while (!uart_is_idle()) {
    }
}

bool port_baud_supported(uint32_t baud) {
    uint32_t divider = divider_of(baud);
    if (divider == 0u || divider > UART_DIVIDER_MAX) {
        return false;
    }
    int64_t error = (int64_t)UART_CLOCK_HZ - (int64_t)divider * baud;
    return (error < 0 ? -error : error) * 50 <= (int64_t)divider * baud; /* Within 2 %. */
}

void port_set_baud(uint32_t baud) {
    port_transmit_flush();
    uart_start(divider_of(baud));
}

uint32_t port_tick_hz(void) {
    return HIL_CLOCK_HZ;
}

void port_ticks_restart(void) {
    timer_start();
    wraps = 0;
}

uint64_t port_ticks(void) {
    uint32_t state = port_interrupts_mask();
    uint32_t before, count;
    do { /* Until no wrap fell between the reading and its count. */
        count_wrap();
        before = wraps;
        count = timer_count();
        count_wrap();
    } while (wraps != before);
    uint64_t ticks = ((uint64_t)before << 32) + count;
    port_interrupts_restore(state);
    return ticks;
}
