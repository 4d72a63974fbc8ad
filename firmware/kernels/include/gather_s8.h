/* GATHER: elements of one axis, by their places. */
#ifndef TINYHIL_GATHER_S8_H
#define TINYHIL_GATHER_S8_H

#include <stdint.h>

/** The input is [outer][size / inner][inner]; the output [outer][count][inner]. */
struct gather_s8 {
    int32_t outer, size, inner, count;
    const int32_t *places; /**< [count]: of elements, in bytes */
};

/** The two buffers must not overlap. */
void gather_s8(const struct gather_s8 *op, const int8_t *input, int8_t *output);

#endif
