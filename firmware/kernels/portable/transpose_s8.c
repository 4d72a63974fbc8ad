/* TRANSPOSE: the output in its own order, each number from where it is in the input. */
#include "transpose_s8.h"

#include <string.h>

/** The innermost axis of the output; returns its end. */
static int8_t *copy_axis(const struct transpose_s8 *op, const int8_t *input, int8_t *output) {
    if (op->step_3 == op->item) { /* neighbours stay neighbours */
        size_t run = (size_t)(op->size_3 * op->item);
        memcpy(output, input, run);
        return output + run;
    }
    if (op->item == 1) {
        for (int32_t i = 0; i < op->size_3; i++) {
            *output++ = input[i * op->step_3];
        }
        return output;
    }
    for (int32_t i = 0; i < op->size_3; i++, output += op->item) {
        memcpy(output, input + i * op->step_3, (size_t)op->item);
    }
    return output;
}

void transpose_s8(const struct transpose_s8 *op, const int8_t *input, int8_t *output) {
    for (int32_t a = 0; a < op->size_0; a++) {
        for (int32_t b = 0; b < op->size_1; b++) {
            for (int32_t c = 0; c < op->size_2; c++) {
                int32_t place = a * op->step_0 + b * op->step_1 + c * op->step_2;
                output = copy_axis(op, input + place, output);
            }
        }
    }
}
