/* SOFTMAX on int16 over the last axis; the output has scale 2^-15. */
#ifndef TINYHIL_SOFTMAX_S16_H
#define TINYHIL_SOFTMAX_S16_H

#include "requantize.h"

struct softmax_s16 {
    int32_t rows, classes;
    const int16_t *exponentials; /**< [513]: exp from -10 to 0 */
    const int16_t *reciprocals;  /**< [513]: 1 / (1 + x) from 0 to 1 */
    const struct channel_s8 *channels;
    /**< [1]: from an input's distance to the maximum, to units of 10 / 65535 */
};

/** Input and output may be the same buffer. */
void softmax_s16(const struct softmax_s16 *op, const int8_t *input, int8_t *output);

#endif
