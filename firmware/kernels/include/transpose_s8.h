/* TRANSPOSE of bytes, or of items of several bytes: the axes in another order. */
#ifndef TINYHIL_TRANSPOSE_S8_H
#define TINYHIL_TRANSPOSE_S8_H

#include <stdint.h>

/** Sizes are those of the output's axes; a step is how far apart its neighbours are in the input,
 * in bytes. */
struct transpose_s8 {
    int32_t size_0, size_1, size_2, size_3;
    int32_t step_0, step_1, step_2, step_3;
    int32_t item; /**< Bytes that stay together. */
};

/** The two buffers must not overlap. */
void transpose_s8(const struct transpose_s8 *op, const int8_t *input, int8_t *output);

#endif
