/* REDUCE_MAX on int16: the largest value. */
#include "reduce_max_s16.h"

#include "int16.h"
#include "window.h"

void reduce_max_s16(const struct reduce_max_s16 *op, const int8_t *input, int8_t *output) {
    int32_t row = op->reduced_inner * op->inner, index = 0;
    for (int32_t outer = 0; outer < op->outer; outer++) {
        for (int32_t middle = 0; middle < op->middle; middle++) {
            for (int32_t inner = 0; inner < op->inner; inner++) {
                int32_t in = outer * op->reduced * op->middle * row + middle * row + inner;
                int32_t largest = INT16_MIN;
                for (int32_t i = 0; i < op->reduced; i++, in += op->middle * row) {
                    for (int32_t j = 0; j < op->reduced_inner; j++) {
                        largest = larger(largest, load_s16(input, in + j * op->inner));
                    }
                }
                store_s16(output, index++, largest);
            }
        }
    }
}
