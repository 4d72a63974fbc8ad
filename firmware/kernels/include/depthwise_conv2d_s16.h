/* DEPTHWISE_CONV_2D on int16 with int8 weights; a scale for each output channel. */
#ifndef TINYHIL_DEPTHWISE_CONV2D_S16_H
#define TINYHIL_DEPTHWISE_CONV2D_S16_H

#include "int16.h"

/** Images are stored by row, column, channel. */
struct depthwise_conv2d_s16 {
    int32_t input_height, input_width, input_channels;
    int32_t output_height, output_width;
    int32_t multiplier; /**< Output channels of each input channel. */
    int32_t kernel_height, kernel_width;
    int32_t stride_height, stride_width;
    int32_t dilation_height, dilation_width;
    int32_t pad_top, pad_left;
    int32_t activation_min, activation_max;
    const int8_t *weights;              /**< [height][width][output channels] */
    const struct channel_s16 *channels; /**< [output channels] */
};

/** The two buffers must not overlap. */
void depthwise_conv2d_s16(const struct depthwise_conv2d_s16 *op, const int8_t *input,
                          int8_t *output);

#endif
