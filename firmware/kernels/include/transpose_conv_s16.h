/* TRANSPOSE_CONV on int16 with int8 weights; a scale for each output channel. */
#ifndef TINYHIL_TRANSPOSE_CONV_S16_H
#define TINYHIL_TRANSPOSE_CONV_S16_H

#include "int16.h"

/** Images are stored by row, column, channel. */
struct transpose_conv_s16 {
    int32_t input_height, input_width, input_channels;
    int32_t output_height, output_width, output_channels;
    int32_t kernel_height, kernel_width;
    int32_t stride_height, stride_width; /**< Of the windows, in the output. */
    int32_t pad_top, pad_left;
    int32_t activation_min, activation_max;
    const int8_t *weights;              /**< [output_channels][height][width][input_channels] */
    const struct channel_s16 *channels; /**< [output_channels] */
};

/** The two buffers must not overlap. */
void transpose_conv_s16(const struct transpose_conv_s16 *op, const int8_t *input, int8_t *output);

#endif
