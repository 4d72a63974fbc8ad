/* REDUCE_MAX on int8 over one or two groups of neighbouring axes. */
#ifndef TINYHIL_REDUCE_MAX_S8_H
#define TINYHIL_REDUCE_MAX_S8_H

#include <stdint.h>

/** The input is [outer][reduced][middle][reduced_inner][inner]; the output [outer][middle][inner].
 */
struct reduce_max_s8 {
    int32_t outer, reduced, middle, reduced_inner, inner;
};

/** The two buffers must not overlap. */
void reduce_max_s8(const struct reduce_max_s8 *op, const int8_t *input, int8_t *output);

#endif
