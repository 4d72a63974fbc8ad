/* ADD: the sum of both inputs in a common unit, requantized. */
#include "add_s8.h"

static inline int32_t sum_of(int8_t first, int8_t second, const int32_t *table) {
    return first * (INT32_C(1) << ADD_SHIFT) + table[second - INT8_MIN];
}

void add_s8(const struct add_s8 *op, const int8_t *first, const int8_t *second, int8_t *output) {
    const int32_t *table = op->second;
    if (op->channels->careful) {
        for (int32_t i = 0; i < op->elements; i++) {
            output[i] = requantize_careful_s8(sum_of(first[i], second[i], table), op->channels,
                                              op->output_zero_point);
        }
    } else {
        const struct short_s8 quick = short_s8(op->channels, op->output_zero_point);
        for (int32_t i = 0; i < op->elements; i++) {
            output[i] = requantize_short_s8(sum_of(first[i], second[i], table), &quick);
        }
    }
    clamp_s8(output, op->elements, op->activation_min, op->activation_max);
}
