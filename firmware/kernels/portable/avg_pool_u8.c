/* AVERAGE_POOL_2D of a model of uint8: the mean over the part of the window that lies in the image.
 */
#include "avg_pool_u8.h"

#include "requantize.h"
#include "window.h"

/** sum / count, halves up, of numbers of -128 to 127. */
static inline int32_t mean(int32_t sum, int32_t count) {
    return (sum + 128 * count + count / 2) / count - 128;
}

void avg_pool_u8(const struct avg_pool_u8 *op, const int8_t *input, int8_t *output) {
    int8_t *out = output;
    int32_t row = op->input_width * op->channels;
    for (int32_t oy = 0; oy < op->output_height; oy++) {
        const struct span y =
            span_of(oy, op->stride_height, op->pad_top, op->kernel_height, op->input_height);
        for (int32_t ox = 0; ox < op->output_width; ox++) {
            const struct span x =
                span_of(ox, op->stride_width, op->pad_left, op->kernel_width, op->input_width);
            int32_t count = (y.end - y.first) * (x.end - x.first);
            for (int32_t channel = 0; channel < op->channels; channel++) {
                const int8_t *line = input + y.first * row + x.first * op->channels + channel;
                int32_t sum = 0;
                for (int32_t iy = y.first; iy < y.end; iy++, line += row) {
                    const int8_t *in = line;
                    for (int32_t ix = x.first; ix < x.end; ix++, in += op->channels) {
                        sum += *in;
                    }
                }
                *out++ = (int8_t)mean(sum, count);
            }
        }
    }
    clamp_s8(output, op->output_height * op->output_width * op->channels, op->activation_min,
             op->activation_max);
}
