/*
 * ADD: the sum in a common unit comes doubled, so that an output takes four instructions: of a
 * channel that is not careful, where all that is below zero saturates. Else as in `portable`.
 */
#include "add_s8.h"

#include <stdbool.h>

#include "simd32.h"

enum { UNROLL = 4, LARGEST_SHIFT = 22 };

static void add_carefully(const struct add_s8 *op, const int8_t *first, const int8_t *second,
                          int8_t *output, int32_t elements) {
    const int32_t *table = op->second - INT8_MIN;
    for (int32_t i = 0; i < elements; i++) {
        int32_t sum = first[i] * (INT32_C(1) << ADD_SHIFT) + table[second[i]];
        output[i] = requantize_careful_s8(sum, op->channels, op->output_zero_point);
    }
}

void add_s8(const struct add_s8 *op, const int8_t *first, const int8_t *second, int8_t *output) {
    const struct channel_s8 channel = *op->channels;
    bool plain = op->output_zero_point <= op->activation_min && channel.right <= LARGEST_SHIFT;
    int32_t rest = op->elements;
    int8_t *out = output;
    if (plain && !channel.careful) {
        const int32_t *table = op->second - INT8_MIN;
        int32_t start = 2 * channel.bias, multiplier = channel.multiplier, right = channel.right;
        int32_t half = right > 0 ? INT32_C(1) << (right - 1) : 0;
        int32_t addend = op->output_zero_point * (INT32_C(1) << right) + half;
        for (; rest >= UNROLL; rest -= UNROLL) {
#define ADD(i)                                                                                     \
    do {                                                                                           \
        int32_t sum = first[i] * (INT32_C(2) << ADD_SHIFT) + 2 * table[second[i]] + start;         \
        out[i] = (int8_t)__ssat(multiply_upper(sum, multiplier, addend) >> right, 8);              \
    } while (0)
            ADD(0);
            ADD(1);
            ADD(2);
            ADD(3);
#undef ADD
            first += UNROLL;
            second += UNROLL;
            out += UNROLL;
        }
    }
    add_carefully(op, first, second, out, rest);
    clamp_s8(output, op->elements, op->activation_min, op->activation_max);
}
