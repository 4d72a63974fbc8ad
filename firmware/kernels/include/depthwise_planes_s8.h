/*
 * DEPTHWISE_CONV_2D of 3 x 3, one output channel for each input channel, for cores with vectors;
 * only for operators that the compiler has proved to fit.
 */
#ifndef TINYHIL_DEPTHWISE_PLANES_S8_H
#define TINYHIL_DEPTHWISE_PLANES_S8_H

#include "requantize.h"

/**
 * The image is a number of lines, each of a number of places: rows and columns, or the other way
 * round where columns are longer. Steps are in bytes.
 */
struct depthwise_planes_s8 {
    int32_t channels;
    int32_t input_lines, input_places, output_lines, output_places;
    int32_t input_line_step, input_place_step, output_line_step, output_place_step;
    int32_t pad_lines, pad_places; /**< 0 or 1, before the first one. */
    int32_t stride;                /**< 1 or 2. */
    int32_t
        width;    /**< Bytes of a plane's line; stride 1: output_places + 2; 2: 12 for each four. */
    int32_t band; /**< So many lines of outputs are done at once; with a stride of 1, all. */
    int32_t input_zero_point, output_zero_point;
    int32_t is_signed; /**< 0: all that is below the zero point becomes the same output. */
    int32_t activation_min, activation_max;
    /**
     * For each channel 12 words: bias, with the input's zero point folded in; multiplier in units
     * of 2^-31; right shift, negative; weights, line by line.
     */
    const int32_t *stream;
};

/**
 * `scratch`: ((band - 1) * stride + 3) * width bytes, rounded up to 16. The output may begin where
 * the input does if, with a stride of 1, it is as large as the input, or if lines are rows. Other
 * than that the three buffers must not overlap.
 */
void depthwise_planes_s8(const struct depthwise_planes_s8 *op, const int8_t *input, int8_t *output,
                         int8_t *scratch);

#endif
