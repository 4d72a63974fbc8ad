/* CONV_2D on int8: NHWC, one image, weights symmetric and per output channel. */
#ifndef TINYHIL_CONV2D_S8_H
#define TINYHIL_CONV2D_S8_H

#include "requantize.h"

/** Sizes are in elements; an element is a byte. */
struct conv2d_s8 {
    int32_t input_height, input_width, input_channels;
    int32_t output_height, output_width, output_channels;
    int32_t kernel_height, kernel_width;
    int32_t stride_height, stride_width;
    int32_t pad_top, pad_left;
    int32_t patch; /**< kernel_height * kernel_width * input_channels, rounded up to 4. */
    int32_t run;   /**< How much of a patch may be summed in a packed accumulator; times 4. */
    int32_t input_zero_point, output_zero_point;
    int32_t activation_min, activation_max;
    /** [ceil(output_channels / 2)][patch][2], zero where rounded up; aligned to 4. */
    const int8_t *weights;
    const struct channel_s8 *channels; /**< [output_channels] */
};

/**
 * `scratch`: 8 * patch bytes, aligned to 4. Without vectors, pixels are read before their outputs
 * are written, in the order of memory: the output may overlap the input as far as what later pixels
 * read is still there. Other than that the three buffers must not overlap.
 */
void conv2d_s8(const struct conv2d_s8 *op, const int8_t *input, int8_t *output, int8_t *scratch);

#endif
