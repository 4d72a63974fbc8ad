/*
 * SOFTMAX on int16: exponentials and the reciprocal of their sum between tabulated values, with 15
 * fractional bits. The output holds the exponentials until their sum is known.
 */
#include "softmax_s16.h"

#include "int16.h"

static int32_t leading_zeros(uint32_t value) {
    int32_t zeros = 0;
    while (zeros < 32 && !(value & UINT32_C(0x80000000))) {
        value <<= 1;
        zeros++;
    }
    return zeros;
}

static void softmax_row(const struct softmax_s16 *op, const int8_t *input, int8_t *output) {
    int32_t maximum = INT16_MIN, sum = 0;
    for (int32_t i = 0; i < op->classes; i++) {
        int32_t value = load_s16(input, i);
        maximum = value > maximum ? value : maximum;
    }
    for (int32_t i = 0; i < op->classes; i++) {
        int32_t distance = rescale_s32(load_s16(input, i) - maximum, op->channels);
        int32_t place = between_s32(distance + INT16_MAX, INT16_MIN, INT16_MAX);
        int32_t power = interpolate_s16(op->exponentials, place);
        sum += power;
        store_s16(output, i, power);
    }
    /* As 1 + x with 16 fractional bits, x in [0, 1), shifted to the middle of the table. */
    int32_t zeros = leading_zeros((uint32_t)sum);
    int64_t shifted = (((int64_t)sum << (zeros - 1)) + (1 << 13)) >> 14;
    int32_t place = (int32_t)shifted - (1 << 15) - (1 << 16);
    int32_t reciprocal = interpolate_s16(op->reciprocals, between_s32(place, INT16_MIN, INT16_MAX));
    int32_t shift = 31 - zeros;
    for (int32_t i = 0; i < op->classes; i++) {
        int64_t product = (int64_t)load_s16(output, i) * reciprocal;
        int32_t value = (int32_t)((product + (INT64_C(1) << (shift - 1))) >> shift);
        store_s16(output, i, between_s32(value, 0, INT16_MAX));
    }
}

void softmax_s16(const struct softmax_s16 *op, const int8_t *input, int8_t *output) {
    int32_t row = 2 * op->classes;
    for (int32_t i = 0; i < op->rows; i++) {
        softmax_row(op, input + i * row, output + i * row);
    }
}
