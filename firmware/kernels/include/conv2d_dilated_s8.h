/*
 * CONV_2D and FULLY_CONNECTED on int8 with windows whose elements are apart, or with weights that
 * have a zero point; a scale for each output channel.
 */
#ifndef TINYHIL_CONV2D_DILATED_S8_H
#define TINYHIL_CONV2D_DILATED_S8_H

#include "requantize.h"

/** Images are stored by row, column, channel. */
struct conv2d_dilated_s8 {
    int32_t input_height, input_width, input_channels;
    int32_t output_height, output_width, output_channels;
    int32_t kernel_height, kernel_width;
    int32_t stride_height, stride_width;
    int32_t dilation_height, dilation_width;
    int32_t pad_top, pad_left;
    int32_t input_zero_point, output_zero_point;
    int32_t activation_min, activation_max;
    int32_t weights_zero_point;
    const int8_t *weights;             /**< [output_channels][height][width][input_channels] */
    const struct channel_s8 *channels; /**< [output_channels]; the zero point is in the bias */
};

/**
 * `scratch` has room for the inputs of one output channel. The three buffers must not overlap.
 */
void conv2d_dilated_s8(const struct conv2d_dilated_s8 *op, const int8_t *input, int8_t *output,
                       int8_t *scratch);

#endif
