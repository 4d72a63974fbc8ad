/* TRANSPOSE_CONV on int16: for each output, the inputs whose windows reach it. */
#include "transpose_conv_s16.h"

/** Where an input is whose window reaches a place by its element `i`; -1 if there is none. */
static int32_t source(int32_t place, int32_t i, int32_t stride, int32_t inputs) {
    int32_t at = place - i;
    return at >= 0 && at % stride == 0 && at / stride < inputs ? at / stride : -1;
}

static int64_t sum_of(const struct transpose_conv_s16 *op, const int8_t *input, int32_t y,
                      int32_t x, const int8_t *weights) {
    int64_t sum = 0;
    for (int32_t i = 0; i < op->kernel_height; i++) {
        int32_t row = source(y + op->pad_top, i, op->stride_height, op->input_height);
        for (int32_t j = 0; j < op->kernel_width; j++, weights += op->input_channels) {
            int32_t column = source(x + op->pad_left, j, op->stride_width, op->input_width);
            if (row >= 0 && column >= 0) {
                int32_t pixel = 2 * (row * op->input_width + column) * op->input_channels;
                sum += products_s16(input + pixel, weights, op->input_channels);
            }
        }
    }
    return sum;
}

void transpose_conv_s16(const struct transpose_conv_s16 *op, const int8_t *input, int8_t *output) {
    int32_t size = op->kernel_height * op->kernel_width * op->input_channels;
    int32_t index = 0;
    for (int32_t y = 0; y < op->output_height; y++) {
        for (int32_t x = 0; x < op->output_width; x++) {
            for (int32_t channel = 0; channel < op->output_channels; channel++, index++) {
                int64_t sum = sum_of(op, input, y, x, op->weights + channel * size);
                int32_t value = rescale_s64(sum, &op->channels[channel]);
                store_s16(output, index,
                          between_s32(value, op->activation_min, op->activation_max));
            }
        }
    }
}
