/* MEAN on int8 over one or two groups of neighbouring axes. */
#ifndef TINYHIL_MEAN_S8_H
#define TINYHIL_MEAN_S8_H

#include "requantize.h"

/** The input is [outer][reduced][middle][reduced_inner][inner]; the output [outer][middle][inner].
 */
struct mean_s8 {
    int32_t outer, reduced, middle, reduced_inner, inner;
    int32_t output_zero_point;
    const struct channel_s8 *channels; /**< [1]: from the sum to the mean, careful */
};

/** The two buffers must not overlap. */
void mean_s8(const struct mean_s8 *op, const int8_t *input, int8_t *output);

#endif
