/* DWT_CYCCNT counts processor cycles: Armv7-M Architecture Reference Manual (DDI 0403), C1.8.  It
 * stands still while the core sleeps, whose time the timer adds: the time since boot goes on, and
 * a timed region, in which nothing sleeps, is counted in cycles. */
#include "cycles.h"

#include <stdbool.h>

#include "cortex_m.h"
#include "timer.h"
#include "tinyhil.h"

#define DEMCR          REGISTER(0xe000edfcu) /* C1.6.5 */
#define DEMCR_TRCENA   (1u << 24)
#define DWT_CTRL       REGISTER(0xe0001000u) /* C1.8.7 */
#define DWT_CYCCNTENA  (1u << 0)
#define DWT_CYCCNT     REGISTER(0xe0001004u) /* C1.8.8 */
#define DWT_LAR        REGISTER(0xe0001fb0u) /* CoreSight's lock, which the Cortex-M7 has. */
#define DWT_LAR_UNLOCK 0xc5acce55u

#define LOOKS 16 /* At the counter, each some cycles later. */

static bool counts;    /* DWT_CYCCNT does. */
static uint64_t slept; /* Cycles since the restart in which it stood still. */
static uint64_t wraps; /* Of it since the restart, in cycles. */
static uint32_t latest;

#if __ARM_ARCH >= 7
static bool start(void) {
    DEMCR |= DEMCR_TRCENA;
    DWT_LAR = DWT_LAR_UNLOCK;
    DWT_CYCCNT = 0;
    DWT_CTRL |= DWT_CYCCNTENA;
    uint32_t first = DWT_CYCCNT;
    for (int look = 0; look < LOOKS; look++) {
        if (DWT_CYCCNT != first) {
            return true;
        }
    }
    return false;
}
#else
static bool start(void) {
    return false; /* The Armv6-M has no such counter. */
}
#endif

static uint64_t cycles(void) {
    uint32_t now = DWT_CYCCNT;
    if (now < latest) {
        wraps += UINT64_C(1) << 32;
    }
    latest = now;
    return wraps + now;
}

void cycles_init(void) {
    timer_init();
    counts = start();
    port_ticks_restart();
}

void cycles_look(void) {
    if (counts) {
        uint32_t state = port_interrupts_mask();
        cycles();
        port_interrupts_restore(state);
    }
}

const char *cycles_clock(void) {
    return counts ? "DWT cycle counter" : timer_name;
}

uint32_t port_tick_hz(void) {
    return counts ? HIL_CLOCK_HZ : timer_hz();
}

void port_ticks_restart(void) {
    if (!counts) {
        timer_restart();
        return;
    }
    slept = 0;
    wraps = 0;
    latest = 0;
    DWT_CYCCNT = 0;
}

uint64_t port_ticks(void) {
    uint32_t state = port_interrupts_mask();
    uint64_t ticks = counts ? cycles() + slept : timer_ticks();
    port_interrupts_restore(state);
    return ticks;
}

static uint64_t before; /* What the timer has shown more than the cycle counter, in cycles. */

void cortex_m_sleeps(void) {
    if (counts) {
        before = timer_ticks() * (HIL_CLOCK_HZ / timer_hz()) - cycles();
    }
}

void cortex_m_wakes(void) {
    if (counts) {
        slept += timer_ticks() * (HIL_CLOCK_HZ / timer_hz()) - cycles() - before;
    }
}
