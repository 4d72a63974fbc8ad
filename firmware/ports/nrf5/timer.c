/* TIMER0 as the timer of timer.h: 32 bits at 16 MHz, of the crystal; it runs while the core sleeps,
 * which SysTick of an nRF52 does not, and an nRF51 has none. */
#include "timer.h"

#include "cortex_m.h"
#include "cycles.h"
#include "nrf_timer.h"
#include "registers.h"

/* Two moments in each round of the counter, at which its interrupt looks at it. */
#define MIDDLE 1u
#define ROUND  2u

const char timer_name[] = "TIMER0";

static uint64_t wrapped; /* Ticks of whole rounds since the restart. */
static uint32_t latest;

void timer_init(void) {
    TIMER0_BITMODE = TIMER0_BITMODE_32;
    TIMER0_PRESCALER = 0; /* 16 MHz */
    TIMER0_CC(MIDDLE) = 0x80000000u;
    TIMER0_CC(ROUND) = 0;
    TIMER0_INTENSET = TIMER0_INT(MIDDLE) | TIMER0_INT(ROUND);
    cortex_m_enable_interrupt(IRQ_TIMER0);
    TIMER0_TASKS_START = 1;
    timer_restart();
}

uint32_t timer_hz(void) {
    return 16000000u;
}

void timer_restart(void) {
    TIMER0_TASKS_CLEAR = 1;
    wrapped = 0;
    latest = 0;
}

uint64_t timer_ticks(void) {
    TIMER0_TASKS_CAPTURE = 1;
    uint32_t now = TIMER0_CC(0);
    if (now < latest) {
        wrapped += UINT64_C(1) << 32;
    }
    latest = now;
    return wrapped + now;
}

void nrf_timer_interrupt(void) {
    TIMER0_COMPARE(MIDDLE) = 0;
    TIMER0_COMPARE(ROUND) = 0;
    (void)TIMER0_COMPARE(ROUND); /* The write has arrived before the handler ends: PS 6.30. */
    timer_ticks();
    cycles_look();
}
