/* ADD and SUB on int8 with axes that are repeated, of a constant or two computed tensors. */
#ifndef TINYHIL_SUM_S8_H
#define TINYHIL_SUM_S8_H

#include "broadcast.h"
#include "requantize.h"

/** As in add_s8.h, but what both inputs contribute is tabulated by the compiler. */
struct sum_s8 {
    struct broadcast places;
    int32_t output_zero_point;
    int32_t activation_min, activation_max;
    const int32_t *first_table, *second_table; /**< [256]: contributions of -128 to 127 */
    const int8_t *first, *second;              /**< A constant instead of that input; or NULL */
    const struct channel_s8 *channels;         /**< [1]: from the sum to the output, in full */
};

/** Where an input is as large as the output, it may be the same buffer. */
void sum_s8(const struct sum_s8 *op, const int8_t *first, const int8_t *second, int8_t *output);

#endif
