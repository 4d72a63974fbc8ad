/*
 * DEPTHWISE_CONV_2D on int8 with windows whose elements are apart, or of any size, or with weights
 * that have a zero point.
 */
#ifndef TINYHIL_DEPTHWISE_DILATED_S8_H
#define TINYHIL_DEPTHWISE_DILATED_S8_H

#include "requantize.h"

/** Images are stored by row, column, channel. */
struct depthwise_dilated_s8 {
    int32_t input_height, input_width, input_channels;
    int32_t output_height, output_width;
    int32_t multiplier; /**< Output channels of each input channel. */
    int32_t kernel_height, kernel_width;
    int32_t stride_height, stride_width;
    int32_t dilation_height, dilation_width;
    int32_t pad_top, pad_left;
    int32_t input_zero_point, output_zero_point;
    int32_t activation_min, activation_max;
    int32_t weights_zero_point;
    const int8_t *weights;             /**< [height][width][output channels] */
    const struct channel_s8 *channels; /**< [output channels]; without the zero point */
};

/** The two buffers must not overlap. */
void depthwise_dilated_s8(const struct depthwise_dilated_s8 *op, const int8_t *input,
                          int8_t *output);

#endif
