/* QUANTIZE from int8 or int16 to int8 or int16, and RELU and its like on int16. */
#ifndef TINYHIL_REQUANTIZE_S16_H
#define TINYHIL_REQUANTIZE_S16_H

#include "requantize.h"

struct requantize_s16 {
    int32_t elements;
    int32_t input_bytes, output_bytes; /**< Of a number: 1 or 2. */
    int32_t output_zero_point;
    int32_t activation_min, activation_max;
    const struct channel_s8 *channels; /**< [1]: with the input's zero point in the bias */
};

/** Input and output may be the same buffer if their numbers have the same size. */
void requantize_s16(const struct requantize_s16 *op, const int8_t *input, int8_t *output);

#endif
