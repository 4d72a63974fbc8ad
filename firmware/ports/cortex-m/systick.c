/* The core's SysTick as the timer of timer.h: Armv7-M Architecture Reference Manual (DDI 0403),
 * B3.3.  It counts 24 bits down, at a slower clock if the chip has one beside the core's.  While
 * interrupts are masked, it shows that it wrapped, but not how often.  So an inference must be
 * shorter than a round: a timed region whose first one was not is given up, not told wrong. */
#include <stdbool.h>

#include "board.h"
#include "cortex_m.h"
#include "cycles.h"
#include "timer.h"
#include "tinyhil.h"

#define SYST_CSR           REGISTER(0xe000e010u)
#define SYST_CSR_ENABLE    (1u << 0)
#define SYST_CSR_TICKINT   (1u << 1)
#define SYST_CSR_CLKSOURCE (1u << 2) /* The core's clock instead of the chip's other one. */
#define SYST_RVR           REGISTER(0xe000e014u)
#define SYST_CVR           REGISTER(0xe000e018u) /* A write clears it. */
#define ICSR               REGISTER(0xe000ed04u) /* B3.2.4 */
#define ICSR_PENDSTCLR     (1u << 25)
#define ICSR_PENDSTSET     (1u << 26)

#define RELOAD 0x00ffffffu

const char timer_name[] = "SysTick";

static uint64_t wrapped; /* Ticks of whole rounds since the restart. */
static bool looked_at;   /* Since then, before it wrapped. */

static void count_wrap(void) {
    wrapped += RELOAD + 1u;
}

void timer_init(void) {
    SYST_RVR = RELOAD;
    SYST_CSR = SYST_CSR_ENABLE | SYST_CSR_TICKINT;
    timer_restart();
}

uint32_t timer_hz(void) {
    return (SYST_CSR & SYST_CSR_CLKSOURCE) != 0u ? HIL_CLOCK_HZ
                                                 : HIL_CLOCK_HZ / BOARD_SYSTICK_DIVIDER;
}

void timer_restart(void) {
    SYST_CVR = 0;
    ICSR = ICSR_PENDSTCLR;
    wrapped = 0;
    looked_at = false;
}

uint64_t timer_ticks(void) {
    uint32_t value;
    do { /* Until no wrap fell between the reading and its count. */
        if ((ICSR & ICSR_PENDSTSET) != 0u) {
            if (!looked_at) {
                tinyhil_fail("An inference may last, by SysTick's 24 bits, less than ms:",
                             (RELOAD + 1u) / (timer_hz() / 1000u));
            }
            ICSR = ICSR_PENDSTCLR;
            count_wrap();
        }
        value = SYST_CVR;
    } while ((ICSR & ICSR_PENDSTSET) != 0u);
    looked_at = true;
    /* The first tick after a restart loads the counter, so that 0 comes before RELOAD. */
    return wrapped + (value == 0u ? 0u : RELOAD + 1u - value);
}

void cortex_m_systick(void) {
    looked_at = true;
    count_wrap();
    cycles_look();
}
