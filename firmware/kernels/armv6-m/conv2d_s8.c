/*
 * CONV_2D as the portable kernel does it, with its inner loop in assembly: the compiler keeps sums
 * in memory, as it does not add to the upper registers, which most instructions do not know.
 */
#include "packed.h"

/** Sums of products of four packed patches with every second weight, for `end`, see below. */
static inline void multiply_channel(const int32_t *patch, const int32_t *end, const int8_t *weights,
                                    int32_t *sums) {
    register int32_t x01 __asm("r3"), x23 __asm("r4"); /* LDM loads them in this order */
    int32_t weight, product, none = 0, s0 = 0, s1 = 0, s2 = 0, s3 = 0;
    __asm volatile(".syntax unified\n"
                   "1:\n"
                   ".rept 8\n"
                   "ldmia %[patch]!, {%[x01], %[x23]}\n"
                   "ldrsb %[weight], [%[weights], %[none]]\n"
                   "adds %[weights], #2\n"
                   "sxth %[product], %[x01]\n"
                   "muls %[product], %[weight]\n"
                   "add %[s0], %[product]\n"
                   "asrs %[x01], %[x01], #16\n"
                   "muls %[x01], %[weight]\n"
                   "add %[s1], %[x01]\n"
                   "sxth %[product], %[x23]\n"
                   "muls %[product], %[weight]\n"
                   "add %[s2], %[product]\n"
                   "asrs %[x23], %[x23], #16\n"
                   "muls %[x23], %[weight]\n"
                   "add %[s3], %[x23]\n"
                   ".endr\n"
                   "cmp %[patch], %[end]\n"
                   "bcs 2f\n"
                   "b 1b\n" /* further away than a condition reaches */
                   "2:\n"
                   ".syntax divided" /* as the compiler goes on for this core */
                   : [patch] "+l"(patch), [weights] "+l"(weights), [x01] "=&l"(x01),
                     [x23] "=&l"(x23), [weight] "=&l"(weight), [product] "=&l"(product),
                     [s0] "+h"(s0), [s1] "+h"(s1), [s2] "+h"(s2), [s3] "+h"(s3)
                   : [none] "l"(none), [end] "h"(end)
                   : "cc", "memory");
    sums[0] = s0;
    sums[1] = s1;
    sums[2] = s2;
    sums[3] = s3;
}

/** As in the portable kernel: four sums of the first channel, four of the second. */
static __attribute__((noinline)) void multiply(const int32_t *patch, const int32_t *end,
                                               const int8_t *weights, int32_t sums[8]) {
    multiply_channel(patch, end, weights, sums);
    multiply_channel(patch, end, weights + 1, sums + 4);
}

#define TINYHIL_OWN_MULTIPLY
#include "../portable/conv2d_s8.c"
