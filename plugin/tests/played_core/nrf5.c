/* `nrf5/port.c` on a chip that is played, whose crystal does not start. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define HIL_CLOCK_HZ       64000000u
#define TINYHIL_CORTEX_M_H /* Instead of the real one: registers are below. */
#define REGISTER(address)  (*at(address))

static uint32_t status, other;

static volatile uint32_t *at(uint32_t address) {
    other = 0;
    return address == 0x4000040cu ? &status : &other;
}

/* Of the real header. */
void cortex_m_wait_us(uint32_t us);
void port_interrupt(uint32_t number);

#include "port.c"

void cortex_m_wait_us(uint32_t us) {
    (void)us;
}

void uart_init(void) {
}

void uart_interrupt(void) {
}

void cycles_init(void) {
}

const char *cycles_clock(void) {
    return "a timer";
}

void nrf_timer_interrupt(void) {
}

static int runs_by(const char *clock) {
    struct port_facts facts;
    (void)port_facts(&facts);
    printf("%s\n", facts.core_clock);
    return strcmp(facts.core_clock, clock) == 0;
}

int main(void) {
    port_init();
    int right = runs_by("RC oscillator, crystal does not start");
    status = 1;
    return right && runs_by("crystal") ? 0 : 1;
}
