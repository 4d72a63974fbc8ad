/* CONCATENATION on int8: all inputs and the output share scale and zero point. */
#ifndef TINYHIL_CONCATENATION_S8_H
#define TINYHIL_CONCATENATION_S8_H

#include <stdint.h>

struct concatenation_s8 {
    int32_t rows; /**< of each input and of the output */
    int32_t inputs;
    const int32_t *sizes; /**< [inputs]: of a row of each */
};

/** `inputs` are op->inputs buffers; none of them may overlap the output. */
void concatenation_s8(const struct concatenation_s8 *op, const int8_t *const *inputs,
                      int8_t *output);

#endif
