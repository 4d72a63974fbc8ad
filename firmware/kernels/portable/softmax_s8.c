/*
 * SOFTMAX in fixed point, bit-exact to the TensorFlow Lite reference: exponentials from the
 * compiler's table, their sum with 12 integer bits, and its reciprocal by three Newton steps.
 * Numbers are written as Qi: i integer bits, a sign and 31 - i fractional bits.
 */
#include "softmax_s8.h"

#include "requantize.h"

enum { SUM_INTEGER_BITS = 12 };

/** a * b / 2^31, halves up: the product of a Qi and a Qj as Q(i+j). Never of INT32_MIN twice. */
static inline int32_t multiply(int32_t a, int32_t b) {
    return (int32_t)(((int64_t)a * b + (INT64_C(1) << 30)) >> 31);
}

/** value / 2^shift, halves away from zero; 1 <= shift <= 62: it is 33 where the sum is 1024. */
static inline int32_t divide(int32_t value, int32_t shift) {
    return (int32_t)(((int64_t)value + (INT64_C(1) << (shift - 1)) + (value >> 31)) >> shift);
}

/** value * 4, saturated. */
static inline int32_t quadruple(int32_t value) {
    if (value > INT32_MAX / 4) {
        return INT32_MAX;
    }
    return value < INT32_MIN / 4 ? INT32_MIN : value * 4;
}

/** 1 / (1 + x) as Q0 for x in [0, 1) as Q0. */
static int32_t reciprocal(int32_t x) {
    const int32_t one = INT32_C(1) << 29;                        /* Q2 */
    const int32_t a = INT32_C(1515870810);                       /* 48/17, Q2 */
    const int32_t b = INT32_C(-1010580540);                      /* -32/17, Q2 */
    int32_t half = (int32_t)(((int64_t)x + INT32_MAX + 1) >> 1); /* (1 + x) / 2, Q0 */
    int32_t estimate = a + multiply(half, b);                    /* of 2 / (1 + x), Q2 */
    for (int i = 0; i < 3; i++) {
        int32_t error = one - multiply(half, estimate); /* Q2 */
        estimate += quadruple(multiply(estimate, error));
    }
    return estimate > INT32_MAX / 2 ? INT32_MAX : estimate * 2; /* half of it, Q2 to Q0 */
}

static int32_t leading_zeros(uint32_t value) {
    int32_t zeros = 0;
    while (zeros < 32 && !(value & UINT32_C(0x80000000))) {
        value <<= 1;
        zeros++;
    }
    return zeros;
}

static void softmax_row(const struct softmax_s8 *op, const int8_t *input, int8_t *output) {
    int32_t maximum = INT8_MIN;
    for (int32_t i = 0; i < op->classes; i++) {
        maximum = input[i] > maximum ? input[i] : maximum;
    }
    uint32_t sum = 0; /* Q12 without a sign */
    for (int32_t i = 0; i < op->classes; i++) {
        int32_t distance = maximum - input[i];
        if (distance < op->exponentials_count) {
            sum += (uint32_t)divide(op->exponentials[distance], SUM_INTEGER_BITS);
        }
    }
    int32_t zeros = leading_zeros(sum);
    int32_t scale = reciprocal((int32_t)((sum << zeros) - UINT32_C(0x80000000)));
    int32_t shift = SUM_INTEGER_BITS - zeros + 31 - 8;
    for (int32_t i = 0; i < op->classes; i++) {
        int32_t distance = maximum - input[i];
        int32_t value = 0;
        if (distance < op->exponentials_count) {
            value = divide(multiply(scale, op->exponentials[distance]), shift);
        }
        output[i] = saturate_s8(value);
    }
}

void softmax_s8(const struct softmax_s8 *op, const int8_t *input, int8_t *output) {
    for (int32_t row = 0; row < op->rows; row++) {
        softmax_row(op, input + row * op->classes, output + row * op->classes);
    }
}
