/* MAX_POOL_2D on int16: the largest value in the part of the window that lies in the image. */
#include "max_pool_s16.h"

#include "int16.h"
#include "window.h"

void max_pool_s16(const struct max_pool_s16 *op, const int8_t *input, int8_t *output) {
    int32_t index = 0;
    for (int32_t oy = 0; oy < op->output_height; oy++) {
        const struct span y =
            span_of(oy, op->stride_height, op->pad_top, op->kernel_height, op->input_height);
        for (int32_t ox = 0; ox < op->output_width; ox++) {
            const struct span x =
                span_of(ox, op->stride_width, op->pad_left, op->kernel_width, op->input_width);
            for (int32_t channel = 0; channel < op->channels; channel++, index++) {
                int32_t largest = INT16_MIN;
                for (int32_t iy = y.first; iy < y.end; iy++) {
                    for (int32_t ix = x.first; ix < x.end; ix++) {
                        int32_t pixel = (iy * op->input_width + ix) * op->channels;
                        largest = larger(largest, load_s16(input, pixel + channel));
                    }
                }
                store_s16(output, index,
                          between_s32(largest, op->activation_min, op->activation_max));
            }
        }
    }
}
