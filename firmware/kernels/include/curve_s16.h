/* LOGISTIC and TANH on int16; the output has scale 2^-15. */
#ifndef TINYHIL_CURVE_S16_H
#define TINYHIL_CURVE_S16_H

#include <stdint.h>

/** Inputs are brought to units of 1 / (3 * 4096) first. */
struct curve_s16 {
    int32_t elements;
    int32_t tanh; /**< 1: of TANH, which is 2 * logistic(2 * x) - 1; 0: of LOGISTIC. */
    int32_t multiplier, shift;
    const uint16_t *logistic; /**< [256]: of 0, 1/24, 2/24 and so on, in units of 2^-16 */
};

/** Input and output may be the same buffer. */
void curve_s16(const struct curve_s16 *op, const int8_t *input, int8_t *output);

#endif
