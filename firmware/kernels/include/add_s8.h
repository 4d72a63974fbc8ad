/* ADD on int8: element by element, no broadcasting. */
#ifndef TINYHIL_ADD_S8_H
#define TINYHIL_ADD_S8_H

#include "requantize.h"

enum { ADD_SHIFT = 19 };

/**
 * The reference brings both inputs to one scale, in units of 2^-19 of the coarser input's step. A
 * step of that input, the first one, is exactly 2^19 of them. What the second one contributes is
 * tabulated by the compiler, with the zero points of both.
 */
struct add_s8 {
    int32_t elements;
    int32_t output_zero_point;
    int32_t activation_min, activation_max;
    const int32_t *second;             /**< [256]: contribution of the second input -128 to 127 */
    const struct channel_s8 *channels; /**< [1]: from the sum to the output */
};

/** The output may be the same buffer as an input; other than that they must not overlap. */
void add_s8(const struct add_s8 *op, const int8_t *first, const int8_t *second, int8_t *output);

#endif
