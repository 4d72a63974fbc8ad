/* AVERAGE_POOL_2D on int16: the mean over the part of the window that lies in the image. */
#include "avg_pool_s16.h"

#include "int16.h"
#include "window.h"

/** sum / count, halves away from zero. */
static inline int32_t mean(int32_t sum, int32_t count) {
    return (sum > 0 ? sum + count / 2 : sum - count / 2) / count;
}

void avg_pool_s16(const struct avg_pool_s16 *op, const int8_t *input, int8_t *output) {
    int32_t index = 0;
    for (int32_t oy = 0; oy < op->output_height; oy++) {
        const struct span y =
            span_of(oy, op->stride_height, op->pad_top, op->kernel_height, op->input_height);
        for (int32_t ox = 0; ox < op->output_width; ox++) {
            const struct span x =
                span_of(ox, op->stride_width, op->pad_left, op->kernel_width, op->input_width);
            int32_t count = (y.end - y.first) * (x.end - x.first);
            for (int32_t channel = 0; channel < op->channels; channel++, index++) {
                int32_t sum = 0;
                for (int32_t iy = y.first; iy < y.end; iy++) {
                    for (int32_t ix = x.first; ix < x.end; ix++) {
                        int32_t pixel = (iy * op->input_width + ix) * op->channels;
                        sum += load_s16(input, pixel + channel);
                    }
                }
                store_s16(output, index,
                          between_s32(mean(sum, count), op->activation_min, op->activation_max));
            }
        }
    }
}
