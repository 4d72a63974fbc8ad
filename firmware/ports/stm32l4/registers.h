/* RCC of the STM32L4 and L4+: RM0351 and RM0432, 6.4.  The addresses are the same in both. */
#ifndef TINYHIL_STM32L4_REGISTERS_H
#define TINYHIL_STM32L4_REGISTERS_H

#include "cortex_m.h"

#define RCC(offset)        REGISTER(0x40021000u + (offset))
#define RCC_CR             RCC(0x00u) /* 6.4.1 */
#define RCC_CR_MSIPLLEN    (1u << 2)
#define RCC_CR_PLLON       (1u << 24)
#define RCC_CR_PLLRDY      (1u << 25)
#define RCC_CFGR           RCC(0x08u) /* 6.4.3 */
#define RCC_CFGR_SW_PLL    3u
#define RCC_CFGR_SWS       (3u << 2) /* Of the PLL: both bits. */
#define RCC_CFGR_HPRE      (15u << 4)
#define RCC_CFGR_HPRE_2    (8u << 4)
#define RCC_PLLCFGR        RCC(0x0cu) /* 6.4.4 */
#define RCC_PLLCFGR_MSI    1u
#define RCC_PLLCFGR_N      8u
#define RCC_PLLCFGR_REN    (1u << 24)
#define RCC_AHB2ENR        RCC(0x4cu) /* 6.4.17; bit 0 is port A's, and so on. */
#define RCC_APB1ENR1       RCC(0x58u) /* 6.4.19 */
#define RCC_APB1ENR1_PWREN (1u << 28)
#define RCC_APB1ENR2       RCC(0x5cu) /* 6.4.20 */
#define RCC_APB2ENR        RCC(0x60u) /* 6.4.21 */
#define RCC_BDCR           RCC(0x90u) /* 6.4.29 */
#define RCC_BDCR_LSEON     (1u << 0)
#define RCC_BDCR_LSERDY    (1u << 1)

#endif
