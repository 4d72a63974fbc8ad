/* Bytes of one buffer in another: where memory can't be shared, and ASSIGN_VARIABLE. */
#ifndef TINYHIL_COPY_S8_H
#define TINYHIL_COPY_S8_H

#include <stdint.h>

struct copy_s8 {
    int32_t start; /**< In the input. */
    int32_t elements;
};

/** The two buffers must not overlap. */
void copy_s8(const struct copy_s8 *op, const int8_t *input, int8_t *output);

#endif
