/* ADD and SUB on int16 with axes that are repeated, of a constant or two computed tensors. */
#ifndef TINYHIL_SUM_S16_H
#define TINYHIL_SUM_S16_H

#include "broadcast.h"
#include "requantize.h"

/** The reference brings both inputs to one scale, after a shift to the left. */
struct sum_s16 {
    struct broadcast places;
    int32_t left;     /**< That shift. */
    int32_t subtract; /**< 1: the second input is taken away. */
    int32_t activation_min, activation_max;
    const int8_t *first, *second;      /**< A constant instead of that input; or NULL */
    const struct channel_s8 *channels; /**< [3]: of both inputs, and from their sum to the output */
};

/** Where an input is as large as the output, it may be the same buffer. */
void sum_s16(const struct sum_s16 *op, const int8_t *first, const int8_t *second, int8_t *output);

#endif
