/* MUL on int8 with axes that are repeated, of a constant or two computed tensors. */
#ifndef TINYHIL_MUL_S8_H
#define TINYHIL_MUL_S8_H

#include "broadcast.h"
#include "requantize.h"

struct mul_s8 {
    struct broadcast places;
    int32_t first_zero_point, second_zero_point, output_zero_point;
    int32_t activation_min, activation_max;
    const int8_t *first, *second;      /**< A constant instead of that input; or NULL */
    const struct channel_s8 *channels; /**< [1]: from the product to the output, in full */
};

/** Where an input is as large as the output, it may be the same buffer. */
void mul_s8(const struct mul_s8 *op, const int8_t *first, const int8_t *second, int8_t *output);

#endif
