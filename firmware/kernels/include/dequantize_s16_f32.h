/* DEQUANTIZE of int16 to floats. */
#ifndef TINYHIL_DEQUANTIZE_S16_F32_H
#define TINYHIL_DEQUANTIZE_S16_F32_H

#include <stdint.h>

struct dequantize_s16_f32 {
    int32_t elements;
    const float *scale; /**< [1]: of the input */
};

/** `output` is of floats, at any address. The two buffers must not overlap. */
void dequantize_s16_f32(const struct dequantize_s16_f32 *op, const int8_t *input, int8_t *output);

#endif
