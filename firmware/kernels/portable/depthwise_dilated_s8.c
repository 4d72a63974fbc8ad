/* DEPTHWISE_CONV_2D of any kind: the elements of each window that lie in the image. */
#include "depthwise_dilated_s8.h"

static int32_t sum_of(const struct depthwise_dilated_s8 *op, const int8_t *input, int32_t top,
                      int32_t left, const int8_t *weights) {
    int32_t outputs = op->input_channels * op->multiplier, sum = 0;
    for (int32_t i = 0; i < op->kernel_height; i++) {
        int32_t y = top + i * op->dilation_height;
        for (int32_t j = 0; j < op->kernel_width; j++, weights += outputs) {
            int32_t x = left + j * op->dilation_width;
            if (y >= 0 && y < op->input_height && x >= 0 && x < op->input_width) {
                int32_t value = input[(y * op->input_width + x) * op->input_channels];
                sum += (value - op->input_zero_point) * (*weights - op->weights_zero_point);
            }
        }
    }
    return sum;
}

void depthwise_dilated_s8(const struct depthwise_dilated_s8 *op, const int8_t *input,
                          int8_t *output) {
    int32_t outputs = op->input_channels * op->multiplier;
    int8_t *out = output;
    for (int32_t y = 0; y < op->output_height; y++) {
        for (int32_t x = 0; x < op->output_width; x++) {
            for (int32_t channel = 0; channel < outputs; channel++) {
                int32_t sum = sum_of(op, input + channel / op->multiplier,
                                     y * op->stride_height - op->pad_top,
                                     x * op->stride_width - op->pad_left, op->weights + channel);
                *out++ = requantize_careful_s8(sum, &op->channels[channel], op->output_zero_point);
            }
        }
    }
    clamp_s8(output, (int32_t)(out - output), op->activation_min, op->activation_max);
}
