/* Caches of the Cortex-M7 and M55, low-overhead branches of the M55: Architecture Reference Manuals
 * of the Armv7-M (DDI 0403: B2.2.7 and B3.2) and the Armv8-M (DDI 0553: D1.2, CCR to CTR). */
#include "cortex_m.h"
#include "tinyhil.h"

#define CCR          REGISTER(0xe000ed14u)
#define CCR_DC       (1u << 16)
#define CCR_IC       (1u << 17)
#define CCR_LOB      (1u << 19)
#define CLIDR        REGISTER(0xe000ed78u) /* Which caches there are; 0 without any. */
#define CLIDR_L1_I   (1u << 0)
#define CLIDR_L1_D   (1u << 1)
#define CCSIDR       REGISTER(0xe000ed80u) /* Size of the cache that CSSELR selects. */
#define CSSELR       REGISTER(0xe000ed84u)
#define CSSELR_L1_D  0u
#define ICIALLU      REGISTER(0xe000ef50u) /* A write invalidates all. */
#define DCISW        REGISTER(0xe000ef60u) /* A write invalidates one way of one set. */
#define DCISW_WAYS   30u                   /* Of both cores' four ways: the two highest bits. */
#define DCISW_SETS   5u                    /* Behind the 32 bytes of a line. */
#define SETS(ccsidr) (((ccsidr) >> 13 & 0x7fffu) + 1u)
#define WAYS(ccsidr) (((ccsidr) >> 3 & 0x3ffu) + 1u)

#if defined __ARM_ARCH_7EM__ || __ARM_ARCH >= 8 /* Else there are none. */

static void barrier(void) {
    __asm volatile("dsb\n\tisb" ::: "memory");
}

/* After a reset a cache holds anything. */
static void start_caches(void) {
    uint32_t there = CLIDR;
    if ((there & CLIDR_L1_I) != 0u) {
        barrier();
        ICIALLU = 0;
        barrier();
        CCR |= CCR_IC;
        barrier();
    }
    if ((there & CLIDR_L1_D) != 0u) {
        CSSELR = CSSELR_L1_D;
        barrier();
        uint32_t size = CCSIDR;
        for (uint32_t set = 0; set < SETS(size); set++) {
            for (uint32_t way = 0; way < WAYS(size); way++) {
                DCISW = way << DCISW_WAYS | set << DCISW_SETS;
            }
        }
        barrier();
        CCR |= CCR_DC;
        barrier();
    }
}

void cortex_m_speed_up(void) {
    start_caches();
#ifdef __ARM_FEATURE_MVE
    CCR |= CCR_LOB;
    barrier();
#endif
}

#else

void cortex_m_speed_up(void) {
}

#endif

unsigned cortex_m_speedups(void) {
    uint32_t ccr = CCR;
    return ((ccr & CCR_IC) != 0u ? PORT_ICACHE : 0u) | ((ccr & CCR_DC) != 0u ? PORT_DCACHE : 0u) |
           ((ccr & CCR_LOB) != 0u ? PORT_LOB : 0u);
}
