/* MEAN on int16 over one or two groups of neighbouring axes. */
#ifndef TINYHIL_MEAN_S16_H
#define TINYHIL_MEAN_S16_H

#include "requantize.h"

/** The input is [outer][reduced][middle][reduced_inner][inner]; the output [outer][middle][inner].
 */
struct mean_s16 {
    int32_t outer, reduced, middle, reduced_inner, inner;
    const struct channel_s8 *channels; /**< [1]: from the sum to the mean, careful */
};

/** The two buffers must not overlap. */
void mean_s16(const struct mean_s16 *op, const int8_t *input, int8_t *output);

#endif
