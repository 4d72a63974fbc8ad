/*
 * What the kernels share whose weights are words of two 16-bit numbers, and how they come from a
 * sum to an output in two to four instructions. All of it is exact: the compiler takes these
 * kernels only where it has proved so, see plugin/tinyhil/image/compiler/dsp/finish.py.
 *
 * Four inputs x0 to x3 are widened to the words (x0, x2) and (x1, x3), low half first, as SXTB16
 * gives them, and weights are in the same order.
 *
 * Weights of two channels may share 16 bits as 256 * second + first, both of -127 to 127. Products
 * with all 16 bits add up to 256 * second sum + first sum, and products with the sign-extended
 * lower byte to the first sum; so the difference is 256 times the second one. Sums may wrap on the
 * way.
 */
#ifndef TINYHIL_PAIRS_H
#define TINYHIL_PAIRS_H

#include <stdint.h>

#include "requantize.h"

/** How a sum becomes an output. `high` is the upper word of sum * multiplier + addend * 2^32. */
enum rounding {
    ROUND_FIXED,   /**< high >> a constant of the kernel, saturated. */
    ROUND_SHIFTED, /**< (high, rounded to the nearest) >> right, saturated. */
    ROUND_SIGNED,  /**< The same, with 1 taken off before the shift where the sum is negative. */
};

/** Low or high half of a word of two numbers. */
static inline int32_t low_half(int32_t word) {
    return (int16_t)(uint32_t)word;
}

static inline int32_t high_half(int32_t word) {
    return word >> 16;
}

/** Lower bytes of both halves, sign-extended: the weights of the first of two channels. */
static inline int32_t first_of_shared(int32_t word) {
    return (int32_t)(((uint32_t)(int8_t)word & 0xffffu) | (uint32_t)(int8_t)(word >> 16) << 16);
}

/** Constants of one output channel. Sums come scaled by a power of two, which is in them. */
struct finish_s8 {
    int32_t multiplier, addend, right;
};

static inline int8_t finish_fixed_s8(int32_t sum, const struct finish_s8 *channel) {
    int32_t high = (int32_t)(((int64_t)sum * channel->multiplier) >> 32);
    return saturate_s8(((high + channel->addend) >> channel->right) + 128);
}

static inline int8_t finish_shifted_s8(int32_t sum, const struct finish_s8 *channel,
                                       int32_t rounding) {
    int64_t product = (int64_t)sum * channel->multiplier;
    int32_t high = (int32_t)((product + (INT64_C(1) << 31)) >> 32) + channel->addend;
    return saturate_s8(((high + (rounding == ROUND_SIGNED ? sum >> 31 : 0)) >> channel->right) +
                       128);
}

#endif
