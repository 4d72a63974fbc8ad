/* MAX_POOL_2D: the largest value in the part of the window that lies in the image. */
#include "max_pool_s8.h"

#include "requantize.h"
#include "window.h"

void max_pool_s8(const struct max_pool_s8 *op, const int8_t *input, int8_t *output) {
    int8_t *out = output;
    int32_t row = op->input_width * op->channels;
    for (int32_t oy = 0; oy < op->output_height; oy++) {
        const struct span y =
            span_of(oy, op->stride_height, op->pad_top, op->kernel_height, op->input_height);
        for (int32_t ox = 0; ox < op->output_width; ox++, out += op->channels) {
            const struct span x =
                span_of(ox, op->stride_width, op->pad_left, op->kernel_width, op->input_width);
            for (int32_t channel = 0; channel < op->channels; channel++) {
                out[channel] = INT8_MIN;
            }
            for (int32_t iy = y.first; iy < y.end; iy++) {
                const int8_t *in = input + iy * row + x.first * op->channels;
                for (int32_t ix = x.first; ix < x.end; ix++, in += op->channels) {
                    for (int32_t channel = 0; channel < op->channels; channel++) {
                        out[channel] = in[channel] > out[channel] ? in[channel] : out[channel];
                    }
                }
            }
        }
    }
    clamp_s8(output, op->output_height * op->output_width * op->channels, op->activation_min,
             op->activation_max);
}
