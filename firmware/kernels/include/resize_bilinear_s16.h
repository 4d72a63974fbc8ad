/* RESIZE_BILINEAR on int16. */
#ifndef TINYHIL_RESIZE_BILINEAR_S16_H
#define TINYHIL_RESIZE_BILINEAR_S16_H

#include <stdint.h>

/** Of the two rows and columns that a pixel lies between: where they are in the input, in numbers,
 * and the share of the upper one, in units of 2^-10. Shares are below 0 or above 1 at the edges,
 * where both are the same. */
struct resize_bilinear_s16 {
    int32_t height, width; /**< of the output */
    int32_t channels;
    const int32_t *lower_rows, *upper_rows, *rows_share;          /**< [height] */
    const int32_t *lower_columns, *upper_columns, *columns_share; /**< [width] */
};

/** The two buffers must not overlap. */
void resize_bilinear_s16(const struct resize_bilinear_s16 *op, const int8_t *input, int8_t *output);

#endif
