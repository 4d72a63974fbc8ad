/* CONV_2D and FULLY_CONNECTED on int16 with int8 weights; a scale for each output channel. */
#ifndef TINYHIL_CONV2D_S16_H
#define TINYHIL_CONV2D_S16_H

#include "int16.h"

/** Images are stored by row, column, channel. */
struct conv2d_s16 {
    int32_t input_height, input_width, input_channels;
    int32_t output_height, output_width, output_channels;
    int32_t kernel_height, kernel_width;
    int32_t stride_height, stride_width;
    int32_t dilation_height, dilation_width;
    int32_t pad_top, pad_left;
    int32_t activation_min, activation_max;
    const int8_t *weights;              /**< [output_channels][height][width][input_channels] */
    const struct channel_s16 *channels; /**< [output_channels] */
};

/** The two buffers must not overlap. */
void conv2d_s16(const struct conv2d_s16 *op, const int8_t *input, int8_t *output);

#endif
