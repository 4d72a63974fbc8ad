/* FULLY_CONNECTED on int8: weights symmetric, per tensor or per output. */
#ifndef TINYHIL_FULLY_CONNECTED_S8_H
#define TINYHIL_FULLY_CONNECTED_S8_H

#include "requantize.h"

struct fully_connected_s8 {
    int32_t rows; /**< Input vectors, one after the other; outputs too. */
    int32_t inputs, outputs;
    int32_t output_zero_point;
    int32_t activation_min, activation_max;
    /**
     * [2 * ceil(outputs / 4)][inputs rounded up to 8][2]: outputs in pairs, the number of pairs
     * even, zero where rounded up; aligned to 4.
     */
    const int8_t *weights;
    const struct channel_s8 *channels; /**< [outputs] */
};

/** `scratch`: for Armv7E-M 2 * (inputs rounded up to 8) bytes, aligned to 4; else none. The three
 * buffers must not overlap.
 */
void fully_connected_s8(const struct fully_connected_s8 *op, const int8_t *input, int8_t *output,
                        int8_t *scratch);

#endif
