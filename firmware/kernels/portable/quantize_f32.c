/* QUANTIZE of floats: the nearest step, halves away from zero, saturated. */
#include "quantize_f32.h"

#include <string.h>

#include "nearest.h"

void quantize_f32(const struct quantize_f32 *op, const int8_t *input, int8_t *output) {
    for (int32_t i = 0; i < op->elements; i++) {
        float value;
        memcpy(&value, &input[(size_t)i * sizeof value], sizeof value);
        int32_t stored = nearest(value / *op->scale) + op->zero_point;
        stored = stored < INT8_MIN ? INT8_MIN : stored;
        output[i] = (int8_t)(stored > INT8_MAX ? INT8_MAX : stored);
    }
}
