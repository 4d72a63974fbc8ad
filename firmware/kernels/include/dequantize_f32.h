/* DEQUANTIZE of int8 to floats. */
#ifndef TINYHIL_DEQUANTIZE_F32_H
#define TINYHIL_DEQUANTIZE_F32_H

#include <stdint.h>

struct dequantize_f32 {
    int32_t elements;
    int32_t zero_point;
    const float *scale; /**< [1]: of the input */
};

/** `output` is of floats, at any address. The two buffers must not overlap. */
void dequantize_f32(const struct dequantize_f32 *op, const int8_t *input, int8_t *output);

#endif
