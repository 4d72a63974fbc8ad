/*
 * FULLY_CONNECTED on int8 for cores with vectors of 16 bytes; only for operators that the compiler
 * has proved to fit.
 */
#ifndef TINYHIL_FULLY_CONNECTED_FOURS_S8_H
#define TINYHIL_FULLY_CONNECTED_FOURS_S8_H

#include "requantize.h"

struct fully_connected_fours_s8 {
    int32_t rows; /**< Input vectors, one after the other; outputs too. */
    int32_t inputs, outputs;
    int32_t output_zero_point;
    int32_t is_signed; /**< 0: all that is below the zero point becomes the same output. */
    int32_t activation_min, activation_max;
    int32_t
        finish_step; /**< Words from four outputs' constants to the next ones; 0: all share them. */
    /** [outputs / 4][inputs / 16][4][16], both rounded up, with zeros. */
    const int8_t *weights;
    /** [outputs / 4][4], rounded up: with the input's zero point folded in. */
    const int32_t *biases;
    /** [outputs / 4 or 1][2][4]: multipliers in units of 2^-31; right shifts, negative. */
    const int32_t *finish;
};

/** The two buffers must not overlap. */
void fully_connected_fours_s8(const struct fully_connected_fours_s8 *op, const int8_t *input,
                              int8_t *output);

#endif
