/* TRANSPOSE_CONV on int8 with a scale for each output channel. */
#ifndef TINYHIL_TRANSPOSE_CONV_S8_H
#define TINYHIL_TRANSPOSE_CONV_S8_H

#include "requantize.h"

/** Images are stored by row, column, channel. */
struct transpose_conv_s8 {
    int32_t input_height, input_width, input_channels;
    int32_t output_height, output_width, output_channels;
    int32_t kernel_height, kernel_width;
    int32_t stride_height, stride_width; /**< Of the windows, in the output. */
    int32_t pad_top, pad_left;
    int32_t input_zero_point, output_zero_point;
    int32_t activation_min, activation_max;
    const int8_t *weights;             /**< [output_channels][height][width][input_channels] */
    const struct channel_s8 *channels; /**< [output_channels]; without the zero point */
};

/** The two buffers must not overlap. */
void transpose_conv_s8(const struct transpose_conv_s8 *op, const int8_t *input, int8_t *output);

#endif
