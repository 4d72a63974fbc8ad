/* QUANTIZE of floats to int16. */
#ifndef TINYHIL_QUANTIZE_F32_S16_H
#define TINYHIL_QUANTIZE_F32_S16_H

#include <stdint.h>

struct quantize_f32_s16 {
    int32_t elements;
    const float *scale; /**< [1]: of the output */
};

/** `input` holds floats, at any address. The two buffers must not overlap. */
void quantize_f32_s16(const struct quantize_f32_s16 *op, const int8_t *input, int8_t *output);

#endif
