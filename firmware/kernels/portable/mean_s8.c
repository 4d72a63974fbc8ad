/* MEAN: sums, requantized by a factor in which the number of their elements is. */
#include "mean_s8.h"

void mean_s8(const struct mean_s8 *op, const int8_t *input, int8_t *output) {
    int32_t row = op->reduced_inner * op->inner;
    for (int32_t outer = 0; outer < op->outer; outer++) {
        for (int32_t middle = 0; middle < op->middle; middle++) {
            for (int32_t inner = 0; inner < op->inner; inner++) {
                const int8_t *in = input + middle * row + inner;
                int32_t sum = 0;
                for (int32_t i = 0; i < op->reduced; i++, in += op->middle * row) {
                    for (int32_t j = 0; j < op->reduced_inner; j++) {
                        sum += in[j * op->inner];
                    }
                }
                *output++ = requantize_careful_s8(sum, op->channels, op->output_zero_point);
            }
        }
        input += op->reduced * op->middle * row;
    }
}
