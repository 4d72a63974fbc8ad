/* QUANTIZE of floats: the nearest step, halves away from zero, saturated. */
#include "quantize_f32.h"

#include <string.h>

/** The nearest integer of what is within 1000 of zero; what is not a number is the least. */
static int32_t nearest(float value) {
    if (!(value > -1000.0f)) {
        return -1000;
    }
    int32_t whole = (int32_t)(value < 1000.0f ? value : 1000.0f);
    float rest = value - (float)whole; /* exact */
    if (rest >= 0.5f) {
        return whole + 1;
    }
    return rest <= -0.5f ? whole - 1 : whole;
}

void quantize_f32(const struct quantize_f32 *op, const int8_t *input, int8_t *output) {
    for (int32_t i = 0; i < op->elements; i++) {
        float value;
        memcpy(&value, &input[(size_t)i * sizeof value], sizeof value);
        int32_t stored = nearest(value / *op->scale) + op->zero_point;
        stored = stored < INT8_MIN ? INT8_MIN : stored;
        output[i] = (int8_t)(stored > INT8_MAX ? INT8_MAX : stored);
    }
}
