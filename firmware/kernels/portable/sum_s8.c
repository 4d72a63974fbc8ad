/* Sums of both contributions, requantized. */
#include "sum_s8.h"

void sum_s8(const struct sum_s8 *op, const int8_t *first, const int8_t *second, int8_t *output) {
    const struct broadcast *places = &op->places;
    int32_t at[3] = {0, 0, 0};
    int8_t *out = output;
    first = op->first ? op->first : first;
    second = op->second ? op->second : second;
    do {
        const int8_t *a = first + broadcast_row(places->first, at);
        const int8_t *b = second + broadcast_row(places->second, at);
        for (int32_t i = 0; i < places->size[3]; i++) {
            int32_t sum = op->first_table[*a - INT8_MIN] + op->second_table[*b - INT8_MIN];
            *out++ = requantize_careful_s8(sum, op->channels, op->output_zero_point);
            a += places->first[3];
            b += places->second[3];
        }
    } while (broadcast_next(places, at));
    clamp_s8(output, (int32_t)(out - output), op->activation_min, op->activation_max);
}
