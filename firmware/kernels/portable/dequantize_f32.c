/* DEQUANTIZE to floats: rounded once, by the product. */
#include "dequantize_f32.h"

#include <string.h>

void dequantize_f32(const struct dequantize_f32 *op, const int8_t *input, int8_t *output) {
    for (int32_t i = 0; i < op->elements; i++) {
        float value = *op->scale * (float)(input[i] - op->zero_point);
        memcpy(&output[(size_t)i * sizeof value], &value, sizeof value);
    }
}
