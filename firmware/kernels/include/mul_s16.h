/* MUL on int16 with axes that are repeated, of a constant or two computed tensors. */
#ifndef TINYHIL_MUL_S16_H
#define TINYHIL_MUL_S16_H

#include "broadcast.h"
#include "requantize.h"

struct mul_s16 {
    struct broadcast places;
    int32_t activation_min, activation_max;
    const int8_t *first, *second;      /**< A constant instead of that input; or NULL */
    const struct channel_s8 *channels; /**< [1]: from the product to the output */
};

/** Where an input is as large as the output, it may be the same buffer. */
void mul_s16(const struct mul_s16 *op, const int8_t *first, const int8_t *second, int8_t *output);

#endif
