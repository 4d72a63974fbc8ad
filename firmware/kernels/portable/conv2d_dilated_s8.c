/* CONV_2D of any kind: the patch of one pixel, then each channel's sum of products with it. */
#include "conv2d_dilated_s8.h"

#include <string.h>

/** Gathers the patch under one output pixel; beside the image there is the zero point. */
static void gather(const struct conv2d_dilated_s8 *op, const int8_t *input, int32_t top,
                   int32_t left, int8_t *patch) {
    size_t channels = (size_t)op->input_channels;
    for (int32_t i = 0; i < op->kernel_height; i++) {
        int32_t y = top + i * op->dilation_height;
        for (int32_t j = 0; j < op->kernel_width; j++, patch += channels) {
            int32_t x = left + j * op->dilation_width;
            if (y < 0 || y >= op->input_height || x < 0 || x >= op->input_width) {
                memset(patch, op->input_zero_point, channels);
            } else {
                memcpy(patch, input + (y * op->input_width + x) * op->input_channels, channels);
            }
        }
    }
}

void conv2d_dilated_s8(const struct conv2d_dilated_s8 *op, const int8_t *input, int8_t *output,
                       int8_t *scratch) {
    int32_t size = op->kernel_height * op->kernel_width * op->input_channels;
    int8_t *out = output;
    for (int32_t y = 0; y < op->output_height; y++) {
        for (int32_t x = 0; x < op->output_width; x++) {
            gather(op, input, y * op->stride_height - op->pad_top,
                   x * op->stride_width - op->pad_left, scratch);
            const int8_t *weights = op->weights;
            for (int32_t channel = 0; channel < op->output_channels; channel++) {
                int32_t sum = 0;
                for (int32_t i = 0; i < size; i++) {
                    sum += scratch[i] * (*weights++ - op->weights_zero_point);
                }
                *out++ = requantize_careful_s8(sum, &op->channels[channel], op->output_zero_point);
            }
        }
    }
    clamp_s8(output, (int32_t)(out - output), op->activation_min, op->activation_max);
}
