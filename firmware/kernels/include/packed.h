/*
 * Two int8 inputs in one 32-bit word, 2^23 apart, so that one multiply-accumulate into 64 bits (a
 * single instruction on Armv7-M and later) does the work of two:
 *
 *     (low + high * 2^23) * w = low * w + (high * w) * 2^23
 *
 * The lower sum is read back by sign extension from 23 bits. That is exact as long as it stays
 * within 22 bits and sign: 128 times the sum of all |w| must be below 2^22, which the compiler
 * checks for every channel.
 */
#ifndef TINYHIL_PACKED_H
#define TINYHIL_PACKED_H

#include <stdint.h>

enum { PACK_SHIFT = 23 };

/** Puts `high` above what is there. */
static inline int32_t pack_high(int32_t low, int32_t high) {
    return low + high * (INT32_C(1) << PACK_SHIFT);
}

/** Lower half of a packed sum. */
static inline int32_t low_sum(int64_t packed) {
    return (int32_t)((uint32_t)packed << (32 - PACK_SHIFT)) >> (32 - PACK_SHIFT);
}

/** Upper half: rounding to the nearest takes back what a negative lower half borrowed. */
static inline int32_t high_sum(int64_t packed) {
    return (int32_t)((packed + (INT64_C(1) << (PACK_SHIFT - 1))) >> PACK_SHIFT);
}

#endif
