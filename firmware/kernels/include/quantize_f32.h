/* QUANTIZE of floats to int8. */
#ifndef TINYHIL_QUANTIZE_F32_H
#define TINYHIL_QUANTIZE_F32_H

#include <stdint.h>

struct quantize_f32 {
    int32_t elements;
    int32_t zero_point;
    const float *scale; /**< [1]: of the output */
};

/** `input` holds floats, at any address. The two buffers must not overlap. */
void quantize_f32(const struct quantize_f32 *op, const int8_t *input, int8_t *output);

#endif
