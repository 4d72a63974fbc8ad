/*
 * Two int8 inputs in one 32-bit word, both of which are multiplied by the same weight.
 *
 * Where one instruction multiplies and adds into 64 bits, they are 2^23 apart, and it does the work
 * of two:
 *
 *     (low + high * 2^23) * w = low * w + (high * w) * 2^23
 *
 * The lower sum is read back by sign extension from 23 bits. That is exact as long as it stays
 * within 22 bits and sign: 128 times the sum of all |w| must be below 2^22, which the compiler
 * checks for every channel.
 *
 * Armv6-M has no product of 64 bits: there they are the halves of the word, and have a sum each.
 */
#ifndef TINYHIL_PACKED_H
#define TINYHIL_PACKED_H

#include <stdint.h>

#include "product.h"

#ifdef TINYHIL_SHORT_PRODUCTS

/** The sums of both. */
typedef struct {
    int32_t low, high;
} packed_sums;

#define NO_SUMS ((packed_sums){0, 0})

/** Puts `high` above what is there. */
static inline int32_t pack_high(int32_t low, int32_t high) {
    return (int32_t)((uint32_t)high << 16 | (uint16_t)low);
}

static inline packed_sums with_products(packed_sums sums, int32_t word, int32_t weight) {
    return (packed_sums){sums.low + (int16_t)word * weight, sums.high + (word >> 16) * weight};
}

/** Adds the products of a word with a weight. */
#define ADD_PRODUCTS(sums, word, weight) ((sums) = with_products(sums, word, weight))

static inline int32_t low_sum(packed_sums sums) {
    return sums.low;
}

static inline int32_t high_sum(packed_sums sums) {
    return sums.high;
}

#else

enum { PACK_SHIFT = 23 };

/** The sums of both. */
typedef int64_t packed_sums;

#define NO_SUMS                          INT64_C(0)

/** Puts `high` above what is there. */
static inline int32_t pack_high(int32_t low, int32_t high) {
    return low + high * (INT32_C(1) << PACK_SHIFT);
}

/** Adds the products of a word with a weight; of a function, GCC 12 makes slower code. */
#define ADD_PRODUCTS(sums, word, weight) ((sums) += (int64_t)(word) * (weight))

static inline int32_t low_sum(packed_sums sums) {
    return (int32_t)((uint32_t)sums << (32 - PACK_SHIFT)) >> (32 - PACK_SHIFT);
}

/** Rounding to the nearest takes back what a negative lower sum borrowed. */
static inline int32_t high_sum(packed_sums sums) {
    return (int32_t)((sums + (INT64_C(1) << (PACK_SHIFT - 1))) >> PACK_SHIFT);
}

#endif

#endif
