/*
 * DEPTHWISE_CONV_2D of 3 x 3, one output channel for each input channel, for cores that multiply
 * two pairs of 16 bits at once; only for operators that the compiler has proved to fit.
 */
#ifndef TINYHIL_DEPTHWISE_PAIRS_S8_H
#define TINYHIL_DEPTHWISE_PAIRS_S8_H

#include "pairs.h"

enum { DEPTHWISE_SHIFT = 10 }; /**< Of ROUND_FIXED. */

/**
 * The image is a number of lines, each of a number of places: rows and columns, or the other way
 * round where columns are longer. Steps are in bytes.
 */
struct depthwise_pairs_s8 {
    int32_t channels; /**< A multiple of `group`. */
    int32_t group;    /**< So many channels' planes are made at once: 4, or 2 in half the memory. */
    int32_t input_lines, input_places, output_lines, output_places;
    int32_t input_line_step, input_place_step, output_line_step, output_place_step;
    int32_t pad_lines, pad_places; /**< 0 or 1, before the first one. */
    int32_t stride;                /**< 1, then there are two output places or more; or 2. */
    int32_t
        words;    /**< Two places each, in a line with its padding: what the outputs need, and 1. */
    int32_t band; /**< So many lines of outputs are done at once. */
    int32_t input_zero_point;
    int32_t activation_min, activation_max;
    /**
     * For each channel 9 words: the sum to start with, multiplier, addend; for each line of the
     * kernel the weights (w0, w1); for each line (w1, w2), low half first.
     */
    const int32_t *stream;
};

/**
 * `scratch`: 4 * group * words * ((band - 1) * stride + 3) bytes, aligned to 4. The output may
 * begin where the input does if, with a stride of 1, it is as large as the input, or if lines are
 * rows. Other than that the three buffers must not overlap.
 */
void depthwise_pairs_s8(const struct depthwise_pairs_s8 *op, const int8_t *input, int8_t *output,
                        int8_t *scratch);

#endif
