/* ADD on int8 of a constant, which may be repeated along the leading axes. */
#ifndef TINYHIL_ADD_CONSTANT_S8_H
#define TINYHIL_ADD_CONSTANT_S8_H

#include "requantize.h"

/** As in add_s8.h, but what both inputs contribute is tabulated by the compiler. */
struct add_constant_s8 {
    int32_t elements;
    int32_t period; /**< Elements of the constant. */
    int32_t output_zero_point;
    int32_t activation_min, activation_max;
    const int32_t *table;              /**< [256]: contribution of the input -128 to 127 */
    const int32_t *added;              /**< [period]: contribution of the constant */
    const struct channel_s8 *channels; /**< [1]: from the sum to the output, in full */
};

/** Input and output may be the same buffer. */
void add_constant_s8(const struct add_constant_s8 *op, const int8_t *input, int8_t *output);

#endif
