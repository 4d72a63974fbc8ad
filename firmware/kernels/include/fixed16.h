/*
 * Functions of numbers with 16 bits, as the TensorFlow Lite reference computes them. Numbers are
 * written as Qi: i integer bits, a sign and 15 - i fractional bits.
 */
#ifndef TINYHIL_FIXED16_H
#define TINYHIL_FIXED16_H

#include <stdint.h>

#ifdef __ARM_FEATURE_SAT
#include <arm_acle.h>
#endif

static inline int32_t saturate_s16(int32_t value) {
#ifdef __ARM_FEATURE_SAT /* one instruction, which compilers do not find by themselves */
    return __ssat(value, 16);
#else
    return value > INT16_MAX ? INT16_MAX : value < INT16_MIN ? INT16_MIN : value;
#endif
}

/**
 * a * b / 2^15, halves up: of a Qi and a Qj the Q(i+j). The reference saturates, for the sake of
 * -2^15 times itself alone, which nothing here multiplies.
 */
static inline int32_t multiply_s16(int32_t a, int32_t b) {
    return (a * b + (1 << 14)) >> 15;
}

/** value / 2^shift, halves away from zero; the shift is 1 to 30, the value not near its ends. */
static inline int32_t divide_s16(int32_t value, int32_t shift) {
    return (value + (INT32_C(1) << (shift - 1)) + (value >> 31)) >> shift;
}

/** 1 / (1 + x) as Q2, twice as large, for x in [0, 1) as Q0: by three Newton steps. */
static inline int32_t twice_reciprocal_s16(int32_t x) {
    const int32_t one = 1 << 13;                           /* Q2 */
    int32_t half = (x + INT16_MAX + 1) / 2;                /* (1 + x) / 2, Q0 */
    int32_t estimate = 23130 + multiply_s16(half, -15420); /* 48/17 and -32/17, Q2 */
#pragma GCC unroll 3
    for (int i = 0; i < 3; i++) {
        int32_t error = one - multiply_s16(half, estimate);
        estimate += multiply_s16(estimate, error) * 4; /* within 16 bits for every x */
    }
    return estimate;
}

/** exp(-2^e) as Q0 for e = -2 to 4. */
static const int16_t exp_powers_s16[] = {25520, 19875, 12055, 4435, 600, 11, 0};

/** exp(value) as Q0 of a value < 0 as Qi, `bits` being i. */
static inline int32_t exponential_s16(int32_t value, int32_t bits) {
    const int32_t center = 28918, third = 10923; /* exp(-1/8) and 1/3, Q0 */
    int32_t shift = 15 - bits - 2, quarter = 1 << shift;
    int32_t rest = (value & (quarter - 1)) - quarter; /* in [-1/4, 0) */
    int32_t quarters = (rest - value) >> shift;
    int32_t x = rest * (1 << bits) + (1 << 12); /* Q0, about -1/8 */
    int32_t x2 = multiply_s16(x, x), x3 = multiply_s16(x2, x), x4 = multiply_s16(x2, x2);
    int32_t higher = divide_s16(multiply_s16(divide_s16(x4, 2) + x3, third) + x2, 1);
    int32_t result = saturate_s16(center + multiply_s16(center, x + higher));
#pragma GCC unroll 7
    for (int i = 0; i < bits + 2; i++) {
        if (quarters >> i & 1) {
            result = multiply_s16(result, exp_powers_s16[i]);
        }
    }
    return result;
}

/** 1 / (1 + exp(-value)) as Q0 of a value as Q3. */
static inline int32_t logistic_s16(int32_t value) {
    if (value == 0) {
        return 1 << 14;
    }
    int32_t below = value > 0 ? -value : value;
    int32_t positive = saturate_s16(twice_reciprocal_s16(exponential_s16(below, 3)) * 2);
    return value > 0 ? positive : INT16_MAX - positive;
}

/** tanh(value) as Q0 of a value as Qi, `bits` being i. */
static inline int32_t tanh_s16(int32_t value, int32_t bits) {
    if (value == 0) {
        return 0;
    }
    int32_t below = value > 0 ? -value : value;
    int32_t twice = twice_reciprocal_s16(exponential_s16(below, bits + 1));
    int32_t result = saturate_s16((twice - (1 << 13)) * 4);
    return value > 0 ? result : -result;
}

#endif
