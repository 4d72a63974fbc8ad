/* DEPTHWISE_CONV_2D on int16: the elements of each window that lie in the image. */
#include "depthwise_conv2d_s16.h"

/** `channel` is the input's. */
static int64_t sum_of(const struct depthwise_conv2d_s16 *op, const int8_t *input, int32_t channel,
                      int32_t top, int32_t left, const int8_t *weights) {
    int32_t outputs = op->input_channels * op->multiplier;
    int64_t sum = 0;
    for (int32_t i = 0; i < op->kernel_height; i++) {
        int32_t y = top + i * op->dilation_height;
        for (int32_t j = 0; j < op->kernel_width; j++, weights += outputs) {
            int32_t x = left + j * op->dilation_width;
            if (y >= 0 && y < op->input_height && x >= 0 && x < op->input_width) {
                int32_t pixel = (y * op->input_width + x) * op->input_channels;
                sum += load_s16(input, pixel + channel) * *weights;
            }
        }
    }
    return sum;
}

void depthwise_conv2d_s16(const struct depthwise_conv2d_s16 *op, const int8_t *input,
                          int8_t *output) {
    int32_t outputs = op->input_channels * op->multiplier, index = 0;
    for (int32_t y = 0; y < op->output_height; y++) {
        for (int32_t x = 0; x < op->output_width; x++) {
            for (int32_t channel = 0; channel < outputs; channel++, index++) {
                int64_t sum =
                    sum_of(op, input, channel / op->multiplier, y * op->stride_height - op->pad_top,
                           x * op->stride_width - op->pad_left, op->weights + channel);
                int32_t value = rescale_s64(sum, &op->channels[channel]);
                store_s16(output, index,
                          between_s32(value, op->activation_min, op->activation_max));
            }
        }
    }
}
