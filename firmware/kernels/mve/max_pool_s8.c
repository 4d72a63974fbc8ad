/* MAX_POOL_2D, sixteen channels at a time. */
#include "max_pool_s8.h"

#include <arm_mve.h>

#include "requantize.h"
#include "window.h"

enum { GROUP = 16 };

void max_pool_s8(const struct max_pool_s8 *op, const int8_t *input, int8_t *output) {
    int8_t *out = output;
    int32_t channels = op->channels, row = op->input_width * channels;
    for (int32_t oy = 0; oy < op->output_height; oy++) {
        const struct span y =
            span_of(oy, op->stride_height, op->pad_top, op->kernel_height, op->input_height);
        for (int32_t ox = 0; ox < op->output_width; ox++, out += channels) {
            const struct span x =
                span_of(ox, op->stride_width, op->pad_left, op->kernel_width, op->input_width);
            for (int32_t channel = 0; channel < channels; channel += GROUP) {
                mve_pred16_t inside = vctp8q((uint32_t)(channels - channel));
                int8x16_t largest = vdupq_n_s8(INT8_MIN);
                for (int32_t iy = y.first; iy < y.end; iy++) {
                    const int8_t *place = input + iy * row + x.first * channels + channel;
                    for (int32_t i = x.end - x.first; i > 0; i--, place += channels) {
                        largest = vmaxq_s8(largest, vldrbq_z_s8(place, inside));
                    }
                }
                vstrbq_p_s8(out + channel, largest, inside);
            }
        }
    }
    clamp_s8(output, op->output_height * op->output_width * channels, op->activation_min,
             op->activation_max);
}
