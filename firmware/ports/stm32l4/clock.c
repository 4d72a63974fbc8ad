/* Registers: RM0351 (STM32L47x) and RM0432 (STM32L4R5, L4+): chapters 3 (FLASH), 5 (PWR), 6 (RCC).
 *
 * The PLL runs off the MSI at 4 MHz, which the board's 32768 Hz crystal (LSE) keeps within 0.25 %
 * (6.2.3); a latency can't be truer than its clock. */
#include "clock.h"

#include <stdbool.h>

#include "board.h"
#include "cortex_m.h"
#include "registers.h"
#include "tinyhil.h"

#define FLASH_ACR REGISTER(0x40022000u) /* 3.7.1 */

#define PWR_CR1        REGISTER(0x40007000u) /* 5.4.1 */
#define PWR_CR1_DBP    (1u << 8)             /* The LSE's register may be written. */
#define PWR_CR5        REGISTER(0x40007080u) /* RM0432, 5.4.26 */
#define PWR_CR5_R1MODE (1u << 8)             /* No range 1 boost, which 80 MHz and more need. */

#define MSI_HZ   4000000u
#define PLL_R    2u /* Divider from VCO to core; the VCO may run at 64 to 344 MHz (6.4.4). */
#define PLL_N    (HIL_CLOCK_HZ / MSI_HZ * PLL_R)
#define BOOST_HZ 80000000u

_Static_assert(HIL_CLOCK_HZ % MSI_HZ == 0u && PLL_N >= 8u && PLL_N <= 86u, "PLLN");

/* At 4 MHz a look at a register takes 2 us or more: the crystal has 2 s to start, and it starts
 * after power came alone.  Wait states are there after some clocks. */
#define CRYSTAL_LOOKS 1000000u
#define FLASH_LOOKS   16u

static bool await(volatile uint32_t *value, uint32_t mask, uint32_t wanted, uint32_t looks) {
    for (uint32_t look = 0; look < looks; look++) {
        if ((*value & mask) == wanted) {
            return true;
        }
    }
    return false;
}

static void start_crystal(void) {
    RCC_APB1ENR1 |= RCC_APB1ENR1_PWREN;
    (void)RCC_APB1ENR1; /* Two clocks until the block can be written (6.2.18). */
    PWR_CR1 |= PWR_CR1_DBP;
    RCC_BDCR |= RCC_BDCR_LSEON;
    if (await(&RCC_BDCR, RCC_BDCR_LSERDY, RCC_BDCR_LSERDY, CRYSTAL_LOOKS)) {
        RCC_CR |= RCC_CR_MSIPLLEN;
    }
}

/* Wait states as the core's clock needs them, in range 1: RM0351 3.3.3, RM0432 3.3.3. */
static void prepare_flash(void) {
    FLASH_ACR = FLASH_ACR_DCEN | FLASH_ACR_ICEN | FLASH_ACR_PRFTEN | BOARD_WAIT_STATES;
    (void)await(&FLASH_ACR, FLASH_ACR_LATENCY, BOARD_WAIT_STATES, FLASH_LOOKS);
}

void clock_init(void) {
    start_crystal();
    prepare_flash();
    if (HIL_CLOCK_HZ > BOOST_HZ) {
        PWR_CR5 &= ~PWR_CR5_R1MODE;
        RCC_CFGR = RCC_CFGR_HPRE_2; /* Over 80 MHz in two steps: RM0432, 5.1.8. */
    }
    RCC_PLLCFGR = RCC_PLLCFGR_MSI | PLL_N << RCC_PLLCFGR_N | RCC_PLLCFGR_REN; /* M 1, R 2 */
    RCC_CR |= RCC_CR_PLLON;
    while ((RCC_CR & RCC_CR_PLLRDY) == 0u) {
    }
    RCC_CFGR |= RCC_CFGR_SW_PLL;
    while ((RCC_CFGR & RCC_CFGR_SWS) != RCC_CFGR_SWS) {
    }
    for (int look = 0; look < 100; look++) { /* At least 1 us. */
        (void)RCC_CFGR;
    }
    RCC_CFGR &= ~RCC_CFGR_HPRE;
}

const char *clock_name(void) {
    return (RCC_CR & RCC_CR_MSIPLLEN) != 0u ? "PLL of MSI, kept right by LSE"
                                            : "PLL of MSI, LSE does not start";
}

uint32_t clock_flash(void) {
    return FLASH_ACR;
}
