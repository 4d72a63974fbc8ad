/* CONV_2D with weights in pairs: what it means, one output at a time. */
#include "conv2d_pairs_s8.h"

#include <stdbool.h>

enum { FIXED_SHIFT = 12 };

/** The input of a kernel's tap, or the zero point beside the image; 0 behind the end of a row. */
static int32_t tap(const struct conv2d_pairs_s8 *op, const int8_t *input, int32_t y, int32_t x,
                   int32_t place) {
    x += place / op->input_channels;
    if (place >= op->kernel_width * op->input_channels) {
        return 0;
    }
    if (y < 0 || y >= op->input_height || x < 0 || x >= op->input_width) {
        return op->input_zero_point;
    }
    return input[(y * op->input_width + x) * op->input_channels + place % op->input_channels];
}

/** Adds the products of one pixel to the sums of two channels; returns the end of the weights. */
static const int32_t *multiply(const struct conv2d_pairs_s8 *op, const int8_t *input, int32_t pixel,
                               const int32_t *weights, uint32_t sums[2]) {
    int32_t y = pixel / op->output_width * op->stride_height - op->pad_top;
    int32_t x = pixel % op->output_width * op->stride_width - op->pad_left;
    for (int32_t last = y + op->kernel_height; y < last; y++) {
        for (int32_t i = 0; i < op->row; i += 4) {
            for (int32_t odd = 0; odd < 2; odd++) {
                int32_t x0 = tap(op, input, y, x, i + odd);
                int32_t x1 = tap(op, input, y, x, i + odd + 2);
                int32_t first = *weights++;
                int32_t second = first;
                if (op->bytes) {
                    first = first_of_shared(first);
                } else {
                    second = *weights++;
                }
                sums[0] += (uint32_t)(x0 * low_half(first) + x1 * high_half(first));
                sums[1] += (uint32_t)(x0 * low_half(second) + x1 * high_half(second));
            }
        }
    }
    return weights;
}

void conv2d_pairs_s8(const struct conv2d_pairs_s8 *op, const int8_t *input, int8_t *output,
                     int8_t *scratch) {
    (void)scratch; /* for kernels that widen their inputs */
    bool shifted = op->rounding != ROUND_FIXED;
    const int32_t *pair = op->stream, *end = pair;
    int32_t pixels = op->output_height * op->output_width;
    for (int32_t channel = 0; channel < op->output_channels; channel += 2, pair = end) {
        for (int32_t pixel = 0; pixel < pixels; pixel++) {
            uint32_t sums[2] = {(uint32_t)pair[0], (uint32_t)pair[1]};
            const int32_t *last = multiply(op, input, pixel, pair + 2, sums);
            if (op->bytes) { /* both sums, doubled */
                sums[1] = (uint32_t)((int32_t)(sums[1] - sums[0]) >> 7);
                sums[0] *= 2;
            }
            for (int32_t i = 0; i < 2; i++) {
                const struct finish_s8 finish = {last[2 * i], last[2 * i + 1],
                                                 shifted ? last[4 + i] : FIXED_SHIFT};
                int32_t sum = (int32_t)sums[i];
                output[pixel * op->output_channels + channel + i] =
                    shifted ? finish_shifted_s8(sum, &finish, op->rounding == ROUND_SIGNED)
                            : finish_fixed_s8(sum, &finish, FIXED_SHIFT);
            }
            end = last + (shifted ? 6 : 4);
        }
    }
    clamp_s8(output, pixels * op->output_channels, op->activation_min, op->activation_max);
}
