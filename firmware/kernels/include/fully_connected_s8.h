/* FULLY_CONNECTED on int8: weights symmetric, per tensor or per output. */
#ifndef TINYHIL_FULLY_CONNECTED_S8_H
#define TINYHIL_FULLY_CONNECTED_S8_H

#include "requantize.h"

struct fully_connected_s8 {
    int32_t rows; /**< Input vectors, one after the other; outputs likewise. */
    int32_t inputs, outputs;
    int32_t output_zero_point;
    int32_t activation_min, activation_max;
    const int8_t *weights; /**< [ceil(outputs / 4)][inputs][4], zero where rounded up. */
    const struct channel_s8 *channels; /**< [outputs] */
};

/** The two buffers must not overlap. */
void fully_connected_s8(const struct fully_connected_s8 *op, const int8_t *input, int8_t *output);

#endif
