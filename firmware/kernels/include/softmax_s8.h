/* SOFTMAX on int8 over the last axis; the output has scale 1/256 and zero point -128. */
#ifndef TINYHIL_SOFTMAX_S8_H
#define TINYHIL_SOFTMAX_S8_H

#include <stdint.h>

struct softmax_s8 {
    int32_t rows, classes;
    int32_t exponentials_count;
    /**
     * exp(-d * scale * beta) in units of 2^-31 for d = 0 to exponentials_count - 1, the distance
     * of an input from its row's maximum; further away it counts as zero. Tabulated by the
     * compiler, as there are at most 256 of them.
     */
    const int32_t *exponentials;
};

/** Input and output may be the same buffer. */
void softmax_s8(const struct softmax_s8 *op, const int8_t *input, int8_t *output);

#endif
