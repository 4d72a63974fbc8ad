/* REDUCE_MAX on int16 over one or two groups of neighbouring axes. */
#ifndef TINYHIL_REDUCE_MAX_S16_H
#define TINYHIL_REDUCE_MAX_S16_H

#include <stdint.h>

/** The input is [outer][reduced][middle][reduced_inner][inner]; the output [outer][middle][inner].
 */
struct reduce_max_s16 {
    int32_t outer, reduced, middle, reduced_inner, inner;
};

/** The two buffers must not overlap. */
void reduce_max_s16(const struct reduce_max_s16 *op, const int8_t *input, int8_t *output);

#endif
