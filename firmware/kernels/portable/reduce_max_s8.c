/* REDUCE_MAX: the largest value. */
#include "reduce_max_s8.h"

void reduce_max_s8(const struct reduce_max_s8 *op, const int8_t *input, int8_t *output) {
    int32_t row = op->reduced_inner * op->inner;
    for (int32_t outer = 0; outer < op->outer; outer++) {
        for (int32_t middle = 0; middle < op->middle; middle++) {
            for (int32_t inner = 0; inner < op->inner; inner++) {
                const int8_t *in = input + middle * row + inner;
                int8_t largest = INT8_MIN;
                for (int32_t i = 0; i < op->reduced; i++, in += op->middle * row) {
                    for (int32_t j = 0; j < op->reduced_inner; j++) {
                        int8_t value = in[j * op->inner];
                        largest = value > largest ? value : largest;
                    }
                }
                *output++ = largest;
            }
        }
        input += op->reduced * op->middle * row;
    }
}
