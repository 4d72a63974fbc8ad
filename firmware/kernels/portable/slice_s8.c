/* Parts of a tensor: run by run. */
#include "slice_s8.h"

#include <string.h>

/** The innermost axis but the runs themselves. */
static int8_t *copy_runs(const struct slice_s8 *op, const int8_t *input, int8_t *output) {
    if (op->run == 1) {
        for (int32_t i = 0; i < op->size_3; i++) {
            *output++ = input[i * op->step_3];
        }
        return output;
    }
    for (int32_t i = 0; i < op->size_3; i++, output += op->run) {
        memcpy(output, input + i * op->step_3, (size_t)op->run);
    }
    return output;
}

void slice_s8(const struct slice_s8 *op, const int8_t *input, int8_t *output) {
    input += op->start;
    for (int32_t a = 0; a < op->size_0; a++) {
        for (int32_t b = 0; b < op->size_1; b++) {
            for (int32_t c = 0; c < op->size_2; c++) {
                int32_t place = a * op->step_0 + b * op->step_1 + c * op->step_2;
                output = copy_runs(op, input + place, output);
            }
        }
    }
}
