/* Registers: Arm Cortex-M System Design Kit TRM (DDI 0479), chapter 4.2. */
#include "timer.h"

#include "board.h"
#include "cortex_m.h"
#include "pin.h"
#include "tinyhil.h"

#define TIMER_CTRL   REGISTER(BOARD_TIMER0 + 0x0u)
#define TIMER_VALUE  REGISTER(BOARD_TIMER0 + 0x4u)
#define TIMER_RELOAD REGISTER(BOARD_TIMER0 + 0x8u)
#define TIMER_INT    REGISTER(BOARD_TIMER0 + 0xcu)
#define TIMER_ENABLE (1u << 0)
#define TIMER_INT_ON (1u << 3)

#define COUNTER_START 0xffffffffu /* The counter runs down from here. */

static volatile uint32_t wraps; /* Of the counter since its restart. */

void cmsdk_timer_init(void) {
    TIMER_RELOAD = COUNTER_START;
    TIMER_VALUE = COUNTER_START;
    port_ticks_restart();
    cortex_m_enable_interrupt(BOARD_IRQ_TIMER0);
}

uint32_t port_tick_hz(void) {
    return HIL_CLOCK_HZ;
}

void port_ticks_restart(void) {
    if (HIL_ENERGY_MODE) {
        pin_before_restart();
    }
    TIMER_CTRL = 0;
    TIMER_INT = 1;
    wraps = 0;
    TIMER_RELOAD = COUNTER_START;
    TIMER_VALUE = COUNTER_START;
    TIMER_CTRL = TIMER_ENABLE | TIMER_INT_ON;
}

/* Counts a wrap that is not counted yet; interrupts must be masked, or this be the handler. */
void cmsdk_timer_interrupt(void) {
    if ((TIMER_INT & 1u) != 0u) {
        TIMER_INT = 1;
        wraps++;
    }
}

uint64_t port_ticks(void) {
    uint32_t state = port_interrupts_mask();
    uint32_t value;
    do { /* Until no wrap fell between the reading and its count. */
        cmsdk_timer_interrupt();
        value = TIMER_VALUE;
    } while ((TIMER_INT & 1u) != 0u);
    uint64_t ticks = ((uint64_t)wraps << 32) + (COUNTER_START - value);
    port_interrupts_restore(state);
    return ticks;
}
