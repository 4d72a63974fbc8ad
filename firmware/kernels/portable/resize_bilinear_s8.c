/* RESIZE_BILINEAR: between four pixels, by their shares; halves away from zero. */
#include "resize_bilinear_s8.h"

enum { ONE = 1 << 10, HALF = 1 << 19 };

static void resize_row(const struct resize_bilinear_s8 *op, const int8_t *lower,
                       const int8_t *upper, int32_t down, int8_t *output) {
    for (int32_t x = 0; x < op->width; x++) {
        int32_t left = op->lower_columns[x], right = op->upper_columns[x];
        int32_t across = op->columns_share[x];
        int32_t weights[] = {(ONE - down) * (ONE - across), down * (ONE - across),
                             (ONE - down) * across, down * across};
        for (int32_t channel = 0; channel < op->channels; channel++, left++, right++) {
            int32_t sum = lower[left] * weights[0] + upper[left] * weights[1] +
                          lower[right] * weights[2] + upper[right] * weights[3];
            *output++ = (int8_t)((sum + (sum > 0 ? HALF : -HALF)) / (2 * HALF));
        }
    }
}

void resize_bilinear_s8(const struct resize_bilinear_s8 *op, const int8_t *input, int8_t *output) {
    for (int32_t y = 0; y < op->height; y++, output += op->width * op->channels) {
        resize_row(op, input + op->lower_rows[y], input + op->upper_rows[y], op->rows_share[y],
                   output);
    }
}
