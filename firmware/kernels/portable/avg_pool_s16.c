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
        int32_t y = oy * op->stride_height - op->pad_top;
        int32_t top = larger(y, 0);
        int32_t bottom = smaller(y + op->kernel_height, op->input_height);
        for (int32_t ox = 0; ox < op->output_width; ox++) {
            int32_t x = ox * op->stride_width - op->pad_left;
            int32_t left = larger(x, 0);
            int32_t right = smaller(x + op->kernel_width, op->input_width);
            int32_t count = (bottom - top) * (right - left);
            for (int32_t channel = 0; channel < op->channels; channel++, index++) {
                int32_t sum = 0;
                for (int32_t iy = top; iy < bottom; iy++) {
                    for (int32_t ix = left; ix < right; ix++) {
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
