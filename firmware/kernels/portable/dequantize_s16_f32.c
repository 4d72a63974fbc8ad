/* DEQUANTIZE of int16 to floats: rounded once, by the product. */
#include "dequantize_s16_f32.h"

#include "int16.h"

void dequantize_s16_f32(const struct dequantize_s16_f32 *op, const int8_t *input, int8_t *output) {
    for (int32_t i = 0; i < op->elements; i++) {
        float value = *op->scale * (float)load_s16(input, i);
        memcpy(&output[(size_t)i * sizeof value], &value, sizeof value);
    }
}
