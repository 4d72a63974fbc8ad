/* CONV_2D with the weights of four channels at a time: what it means, one output at a time. */
#include "conv2d_fours_s8.h"

#include <stdbool.h>

enum { GROUP = 4, CHUNK = 16 };

/** The input of a kernel's tap, or the zero point beside the image. */
static int32_t tap(const struct conv2d_fours_s8 *op, const int8_t *input, int32_t pixel,
                   int32_t place) {
    int32_t line = op->kernel_width * op->input_channels;
    int32_t y = pixel / op->output_width * op->stride_height - op->pad_top + place / line;
    int32_t x = pixel % op->output_width * op->stride_width - op->pad_left +
                place % line / op->input_channels;
    bool inside = y >= 0 && y < op->input_height && x >= 0 && x < op->input_width;
    int32_t index = (y * op->input_width + x) * op->input_channels + place % op->input_channels;
    return inside ? input[index] : op->input_zero_point;
}

static int8_t convolve(const struct conv2d_fours_s8 *op, const int8_t *patch, int32_t channel) {
    const int8_t *weights = op->weights + channel / GROUP * GROUP * op->patch;
    const int32_t *finish = op->finish + channel / GROUP * 3 * GROUP + channel % GROUP;
    int32_t size = op->kernel_height * op->kernel_width * op->input_channels, sum = 0;
    for (int32_t i = 0; i < size; i++) {
        int32_t place = (i / CHUNK * GROUP + channel % GROUP) * CHUNK + i % CHUNK;
        sum += patch[i] * weights[place];
    }
    const struct channel_s8 facts = {
        .bias = finish[0], .multiplier = finish[GROUP], .right = (uint8_t)-finish[2 * GROUP]};
    return requantize_careful_s8(sum, &facts, op->output_zero_point);
}

void conv2d_fours_s8(const struct conv2d_fours_s8 *op, const int8_t *input, int8_t *output,
                     int8_t *scratch) {
    int32_t size = op->kernel_height * op->kernel_width * op->input_channels;
    int32_t pixels = op->output_height * op->output_width;
    for (int32_t pixel = 0; pixel < pixels; pixel++) {
        for (int32_t i = 0; i < size; i++) { /* as outputs may be written over it */
            scratch[i] = (int8_t)tap(op, input, pixel, i);
        }
        for (int32_t channel = 0; channel < op->output_channels; channel++) {
            output[pixel * op->output_channels + channel] = convolve(op, scratch, channel);
        }
    }
    clamp_s8(output, pixels * op->output_channels, op->activation_min, op->activation_max);
}
