/* DEPTHWISE_CONV_2D on int8: NHWC, one image, weights symmetric and per output channel. */
#ifndef TINYHIL_DEPTHWISE_CONV2D_S8_H
#define TINYHIL_DEPTHWISE_CONV2D_S8_H

#include "requantize.h"

/** Sizes are in elements; an element is a byte. */
struct depthwise_conv2d_s8 {
    int32_t input_height, input_width, input_channels;
    int32_t output_height, output_width;
    int32_t multiplier; /**< Output channels for each input channel. */
    int32_t kernel_height, kernel_width;
    int32_t stride_height, stride_width;
    int32_t pad_top, pad_left;
    int32_t plane_height, plane_width; /**< Of one channel, padded, its halves on each other. */
    int32_t input_zero_point, output_zero_point;
    int32_t activation_min, activation_max;
    const int8_t *weights;             /**< [output channels][kernel_height * kernel_width] */
    const struct channel_s8 *channels; /**< [output channels] */
};

/**
 * `scratch`: 4 * (output_height rounded up to 2) + 4 * plane_height * plane_width bytes, but at
 * least 8 * kernel_height * (2 * kernel_width + plane_width), aligned to 4. Without
 * vectors and with a multiplier of 1, the output may begin where the input does. Other than that
 * the three buffers must not overlap.
 */
void depthwise_conv2d_s8(const struct depthwise_conv2d_s8 *op, const int8_t *input, int8_t *output,
                         int8_t *scratch);

#endif
