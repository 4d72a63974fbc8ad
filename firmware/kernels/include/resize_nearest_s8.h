/* RESIZE_NEAREST_NEIGHBOR on int8. */
#ifndef TINYHIL_RESIZE_NEAREST_S8_H
#define TINYHIL_RESIZE_NEAREST_S8_H

#include <stdint.h>

struct resize_nearest_s8 {
    int32_t height, width; /**< of the output */
    int32_t channels;
    const int32_t *rows;    /**< [height]: where each is in the input, in bytes */
    const int32_t *columns; /**< [width]: the same, within a row */
};

/** The two buffers must not overlap. */
void resize_nearest_s8(const struct resize_nearest_s8 *op, const int8_t *input, int8_t *output);

#endif
