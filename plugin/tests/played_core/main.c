/* `cortex-m/cycles.c` on a core that is played: its counter moves at each look, and stands still
 * while the core sleeps, whose timer goes on at an eighth of its clock. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define __ARM_ARCH         7
#define HIL_CLOCK_HZ       80000000u
#define TINYHIL_CORTEX_M_H /* Instead of the real one: registers are below. */
#define REGISTER(address)  (*at(address))
#define LOOK               3u

static bool counting;
static uint32_t counter, other;
static uint64_t passed; /* Cycles of the core's clock. */

static volatile uint32_t *at(uint32_t address) {
    if (address != 0xe0001004u) {
        return &other;
    }
    counter += counting ? LOOK : 0u;
    passed += LOOK;
    return &counter;
}

/* Of the two headers. */
void cortex_m_sleeps(void);
void cortex_m_wakes(void);
uint32_t port_interrupts_mask(void);
void port_interrupts_restore(uint32_t state);
void port_ticks_restart(void);

#include "cycles.c"

const char timer_name[] = "a timer";
static uint64_t restarted;

void timer_init(void) {
}

uint32_t timer_hz(void) {
    return HIL_CLOCK_HZ / 8u;
}

void timer_restart(void) {
    restarted = passed / 8u;
}

uint64_t timer_ticks(void) {
    return passed / 8u - restarted;
}

uint32_t port_interrupts_mask(void) {
    return 0;
}

void port_interrupts_restore(uint32_t state) {
    (void)state;
}

static void work(uint32_t cycles) {
    counter += counting ? cycles : 0u;
    passed += cycles;
}

/* Whether the ticks are these, but for some looks at the counter. */
static bool shows(uint64_t ticks) {
    uint64_t told = port_ticks();
    printf("%llu, wanted %llu\n", (unsigned long long)told, (unsigned long long)ticks);
    return told >= ticks && told < ticks + 100u;
}

int main(void) {
    cycles_init();
    bool right = strcmp(cycles_clock(), "a timer") == 0 && port_tick_hz() == 10000000u;
    port_ticks_restart();
    work(8000);
    right = shows(1000) && right;

    counting = true;
    cycles_init();
    right =
        strcmp(cycles_clock(), "DWT cycle counter") == 0 && port_tick_hz() == 80000000u && right;
    work(5000);
    right = shows(5000) && right;
    cortex_m_sleeps();
    passed += 800000;
    cortex_m_wakes();
    right = shows(805000) && right;
    cortex_m_sleeps(); /* Woken by a debugger that keeps the counter's clock on. */
    work(1600);
    cortex_m_wakes();
    right = shows(806600) && right;
    work(0xfff00000u);
    cycles_look();
    work(0xfff00000u);
    right = shows(806600 + 2 * UINT64_C(0xfff00000)) && right;
    port_ticks_restart();
    right = shows(0) && right;
    return right ? 0 : 1;
}
