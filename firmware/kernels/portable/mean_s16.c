/* MEAN on int16: sums, rescaled by a factor in which the number of their elements is. */
#include "mean_s16.h"

#include "int16.h"

void mean_s16(const struct mean_s16 *op, const int8_t *input, int8_t *output) {
    int32_t row = op->reduced_inner * op->inner, index = 0;
    for (int32_t outer = 0; outer < op->outer; outer++) {
        for (int32_t middle = 0; middle < op->middle; middle++) {
            for (int32_t inner = 0; inner < op->inner; inner++) {
                int32_t in = outer * op->reduced * op->middle * row + middle * row + inner;
                int32_t sum = 0;
                for (int32_t i = 0; i < op->reduced; i++, in += op->middle * row) {
                    for (int32_t j = 0; j < op->reduced_inner; j++) {
                        sum += load_s16(input, in + j * op->inner);
                    }
                }
                int32_t value = rescale_s32(sum, op->channels);
                store_s16(output, index++, between_s32(value, INT16_MIN, INT16_MAX));
            }
        }
    }
}
