/* RESIZE_BILINEAR on int16: between four pixels, by their shares; halves away from zero. */
#include "resize_bilinear_s16.h"

#include "int16.h"

enum { ONE = 1 << 10, HALF = 1 << 19 };

static int32_t between(const int8_t *input, const int32_t places[4], const int32_t weights[4]) {
    int64_t sum = 0;
    for (int32_t i = 0; i < 4; i++) {
        sum += (int64_t)load_s16(input, places[i]) * weights[i];
    }
    return (int32_t)((sum + (sum > 0 ? HALF : -HALF)) / (2 * HALF));
}

void resize_bilinear_s16(const struct resize_bilinear_s16 *op, const int8_t *input,
                         int8_t *output) {
    int32_t index = 0;
    for (int32_t y = 0; y < op->height; y++) {
        int32_t lower = op->lower_rows[y], upper = op->upper_rows[y], down = op->rows_share[y];
        for (int32_t x = 0; x < op->width; x++) {
            int32_t left = op->lower_columns[x], right = op->upper_columns[x];
            int32_t across = op->columns_share[x];
            int32_t weights[] = {(ONE - down) * (ONE - across), down * (ONE - across),
                                 (ONE - down) * across, down * across};
            for (int32_t i = 0; i < op->channels; i++, index++) {
                int32_t places[] = {lower + left + i, upper + left + i, lower + right + i,
                                    upper + right + i};
                store_s16(output, index, between(input, places, weights));
            }
        }
    }
}
