/*
 * FULLY_CONNECTED on int8 for cores that multiply two pairs of 16 bits at once; only for operators
 * that the compiler has proved to fit.
 */
#ifndef TINYHIL_FULLY_CONNECTED_PAIRS_S8_H
#define TINYHIL_FULLY_CONNECTED_PAIRS_S8_H

#include "pairs.h"

struct fully_connected_pairs_s8 {
    int32_t rows; /**< Input vectors, one after the other; outputs too. */
    int32_t inputs, outputs;
    int32_t direct;   /**< 1: inputs, a multiple of 4, are widened as they are used. */
    int32_t rounding; /**< ROUND_SHIFTED or ROUND_SIGNED. */
    int32_t activation_min, activation_max;
    /**
     * For each four outputs, zeros where there are fewer: two sums to start with for each pair, of
     * the first one and of both (see pairs.h); of each two inputs a word of weights for each pair,
     * inputs rounded up to 4; and what else is in `finish`, if there is none.
     */
    const int32_t *stream;
    /** [12] Multiplier and addend of each of any four outputs, right shift of each; or NULL. */
    const int32_t *finish;
};

/**
 * `scratch`: 2 * (inputs rounded up to 4) bytes, aligned to 4; none if `direct`. The three buffers
 * must not overlap.
 */
void fully_connected_pairs_s8(const struct fully_connected_pairs_s8 *op, const int8_t *input,
                              int8_t *output, int8_t *scratch);

#endif
