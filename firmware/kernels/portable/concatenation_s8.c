/* CONCATENATION: a row of each input in turn. */
#include "concatenation_s8.h"

#include <string.h>

void concatenation_s8(const struct concatenation_s8 *op, const int8_t *const *inputs,
                      int8_t *output) {
    for (int32_t row = 0; row < op->rows; row++) {
        for (int32_t i = 0; i < op->inputs; i++) {
            memcpy(output, inputs[i] + row * op->sizes[i], (size_t)op->sizes[i]);
            output += op->sizes[i];
        }
    }
}
