/* CONV_2D with weights in pairs: what it means, one pixel at a time. */
#include "conv2d_pairs_s8.h"

#include <stdbool.h>

/** The input of a kernel's tap, or the zero point beside the image and behind the end of a row. */
static int8_t tap(const struct conv2d_pairs_s8 *op, const int8_t *input, int32_t y, int32_t x,
                  int32_t place) {
    x += place / op->input_channels;
    bool inside = y >= 0 && y < op->input_height && x >= 0 && x < op->input_width;
    if (!inside || place >= op->kernel_width * op->input_channels) {
        return (int8_t)op->input_zero_point;
    }
    return input[(y * op->input_width + x) * op->input_channels + place % op->input_channels];
}

/** Copies what lies under the kernel, so that outputs may be written over it. */
static void gather(const struct conv2d_pairs_s8 *op, const int8_t *input, int32_t pixel,
                   int8_t *patch) {
    int32_t y = pixel / op->output_width * op->stride_height - op->pad_top;
    int32_t x = pixel % op->output_width * op->stride_width - op->pad_left;
    for (int32_t last = y + op->kernel_height; y < last; y++) {
        for (int32_t place = 0; place < op->row; place++) {
            *patch++ = tap(op, input, y, x, place);
        }
    }
}

/** Adds the products of a patch to the sums of two channels; returns the end of the weights. */
static const int32_t *multiply(const struct conv2d_pairs_s8 *op, const int8_t *patch,
                               const int32_t *weights, uint32_t sums[2]) {
    for (const int8_t *end = patch + op->kernel_height * op->row; patch < end; patch += 4) {
        for (int32_t odd = 0; odd < 2; odd++) {
            int32_t first = *weights++;
            int32_t second = first;
            if (op->bytes) {
                first = first_of_shared(first);
            } else {
                second = *weights++;
            }
            int32_t x0 = patch[odd], x1 = patch[odd + 2];
            sums[0] += (uint32_t)(x0 * low_half(first) + x1 * high_half(first));
            sums[1] += (uint32_t)(x0 * low_half(second) + x1 * high_half(second));
        }
    }
    return weights;
}

/** All outputs of a pixel. */
static void convolve(const struct conv2d_pairs_s8 *op, const int8_t *patch, int8_t *outputs) {
    bool fixed = op->rounding == ROUND_FIXED;
    const int32_t *words = op->stream;
    for (int32_t channel = 0; channel < op->output_channels; channel += 2) {
        uint32_t sums[2] = {(uint32_t)words[0], (uint32_t)words[1]};
        words = multiply(op, patch, words + 2, sums);
        if (op->bytes) { /* both sums, doubled */
            sums[1] = (uint32_t)((int32_t)(sums[1] - sums[0]) >> 7);
            sums[0] *= 2;
        }
        for (int32_t i = 0; i < 2; i++) {
            int32_t right = fixed ? CONV2D_SHIFT : words[4 + i];
            const struct finish_s8 finish = {words[2 * i], words[2 * i + 1], right};
            outputs[channel + i] = fixed
                                       ? finish_fixed_s8((int32_t)sums[i], &finish)
                                       : finish_shifted_s8((int32_t)sums[i], &finish, op->rounding);
        }
        words += fixed ? 4 : 6;
    }
}

void conv2d_pairs_s8(const struct conv2d_pairs_s8 *op, const int8_t *input, int8_t *output,
                     int8_t *scratch) {
    int32_t pixels = op->output_height * op->output_width;
    for (int32_t pixel = 0; pixel < pixels; pixel++) {
        gather(op, input, pixel, scratch);
        convolve(op, scratch, output + pixel * op->output_channels);
    }
    clamp_s8(output, pixels * op->output_channels, op->activation_min, op->activation_max);
}
