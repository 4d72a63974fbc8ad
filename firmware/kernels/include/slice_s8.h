/* A part of a tensor: SLICE, STRIDED_SLICE, SPLIT, SPLIT_V, UNPACK, and GATHER where it is one. */
#ifndef TINYHIL_SLICE_S8_H
#define TINYHIL_SLICE_S8_H

#include <stdint.h>

/** Sizes are those of the output's axes; a step is how far apart its neighbours are in the input.
 */
struct slice_s8 {
    int32_t start; /**< Of the part, in the input. */
    int32_t run;   /**< Elements that are neighbours in both: the innermost axis. */
    int32_t size_0, size_1, size_2, size_3;
    int32_t step_0, step_1, step_2, step_3;
};

/** The two buffers must not overlap. */
void slice_s8(const struct slice_s8 *op, const int8_t *input, int8_t *output);

#endif
