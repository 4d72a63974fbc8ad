/* TRANSPOSE: the output in its own order, each value from where it is in the input. */
#include "transpose_s8.h"

void transpose_s8(const struct transpose_s8 *op, const int8_t *input, int8_t *output) {
    for (int32_t a = 0; a < op->size_0; a++) {
        for (int32_t b = 0; b < op->size_1; b++) {
            for (int32_t c = 0; c < op->size_2; c++) {
                const int8_t *in = input + a * op->step_0 + b * op->step_1 + c * op->step_2;
                for (int32_t d = 0; d < op->size_3; d++) {
                    *output++ = in[d * op->step_3];
                }
            }
        }
    }
}
