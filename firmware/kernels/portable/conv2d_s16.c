/* CONV_2D on int16: of each output, the elements of its window that lie in the image. */
#include "conv2d_s16.h"

static int64_t sum_of(const struct conv2d_s16 *op, const int8_t *input, int32_t top, int32_t left,
                      const int8_t *weights) {
    int64_t sum = 0;
    for (int32_t i = 0; i < op->kernel_height; i++) {
        int32_t y = top + i * op->dilation_height;
        for (int32_t j = 0; j < op->kernel_width; j++, weights += op->input_channels) {
            int32_t x = left + j * op->dilation_width;
            if (y >= 0 && y < op->input_height && x >= 0 && x < op->input_width) {
                int32_t pixel = 2 * (y * op->input_width + x) * op->input_channels;
                sum += products_s16(input + pixel, weights, op->input_channels);
            }
        }
    }
    return sum;
}

void conv2d_s16(const struct conv2d_s16 *op, const int8_t *input, int8_t *output) {
    int32_t size = op->kernel_height * op->kernel_width * op->input_channels;
    int32_t index = 0;
    for (int32_t y = 0; y < op->output_height; y++) {
        for (int32_t x = 0; x < op->output_width; x++) {
            for (int32_t channel = 0; channel < op->output_channels; channel++, index++) {
                int64_t sum =
                    sum_of(op, input, y * op->stride_height - op->pad_top,
                           x * op->stride_width - op->pad_left, op->weights + channel * size);
                int32_t value = rescale_s64(sum, &op->channels[channel]);
                store_s16(output, index,
                          between_s32(value, op->activation_min, op->activation_max));
            }
        }
    }
}
