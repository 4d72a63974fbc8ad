/* QUANTIZE of floats to int16: the nearest step, halves away from zero, saturated. */
#include "quantize_f32_s16.h"

#include "int16.h"
#include "nearest.h"

void quantize_f32_s16(const struct quantize_f32_s16 *op, const int8_t *input, int8_t *output) {
    for (int32_t i = 0; i < op->elements; i++) {
        float value;
        memcpy(&value, &input[(size_t)i * sizeof value], sizeof value);
        store_s16(output, i, between_s32(nearest(value / *op->scale), INT16_MIN, INT16_MAX));
    }
}
