/*
 * CONV_2D on int8 for cores with vectors of 16 bytes: as conv2d_s8, for the operators that the
 * compiler has proved to fit, with the weights of four channels at a time.
 */
#ifndef TINYHIL_CONV2D_FOURS_S8_H
#define TINYHIL_CONV2D_FOURS_S8_H

#include "requantize.h"

/** Sizes are in elements; an element is a byte. */
struct conv2d_fours_s8 {
    int32_t input_height, input_width, input_channels;
    int32_t output_height, output_width, output_channels; /**< Channels: a multiple of 4. */
    int32_t kernel_height, kernel_width;
    int32_t stride_height, stride_width;
    int32_t pad_top, pad_left;
    int32_t direct; /**< 1: a pixel is the whole patch, and is taken from the input. */
    int32_t patch;  /**< kernel_height * kernel_width * input_channels, rounded up to 16. */
    int32_t input_zero_point, output_zero_point;
    int32_t is_signed; /**< 0: all that is below the zero point becomes the same output. */
    int32_t activation_min, activation_max;
    /** [output_channels / 4][patch / 16][4][16], zero where rounded up. */
    const int8_t *weights;
    /** [output_channels / 4][3][4]: biases, with the input's zero point folded in; multipliers in
     * units of 2^-31; right shifts, negative. */
    const int32_t *finish;
};

/**
 * `scratch`: 8 * patch bytes. If not `direct`, pixels are read before their outputs are written, in
 * the order of memory: the output may overlap the input as far as what later pixels read is still
 * there. Other than that the three buffers must not overlap.
 */
void conv2d_fours_s8(const struct conv2d_fours_s8 *op, const int8_t *input, int8_t *output,
                     int8_t *scratch);

#endif
