/* ADD of a constant: the sum of both contributions, requantized. */
#include "add_constant_s8.h"

void add_constant_s8(const struct add_constant_s8 *op, const int8_t *input, int8_t *output) {
    for (int32_t start = 0; start < op->elements; start += op->period) {
        for (int32_t i = 0; i < op->period; i++) {
            int32_t sum = op->table[input[start + i] - INT8_MIN] + op->added[i];
            output[start + i] = requantize_careful_s8(sum, op->channels, op->output_zero_point);
        }
    }
    clamp_s8(output, op->elements, op->activation_min, op->activation_max);
}
