/* From one scale, and one size of numbers, to another. */
#include "requantize_s16.h"

#include "int16.h"

void requantize_s16(const struct requantize_s16 *op, const int8_t *input, int8_t *output) {
    for (int32_t i = 0; i < op->elements; i++) {
        int32_t value = op->input_bytes == 1 ? input[i] : load_s16(input, i);
        value = rescale_s32(value, op->channels) + op->output_zero_point;
        value = between_s32(value, op->activation_min, op->activation_max);
        if (op->output_bytes == 1) {
            output[i] = (int8_t)value;
        } else {
            store_s16(output, i, value);
        }
    }
}
