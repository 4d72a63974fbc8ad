/* Any function of one value of 8 bits, tabulated: QUANTIZE between 8-bit types, LOGISTIC, TANH. */
#ifndef TINYHIL_TABLE_S8_H
#define TINYHIL_TABLE_S8_H

#include <stdint.h>

struct table_s8 {
    int32_t elements;
    const int8_t *table; /**< [256]: by the input's byte, taken as unsigned */
};

/** Input and output may be the same buffer. */
void table_s8(const struct table_s8 *op, const int8_t *input, int8_t *output);

#endif
