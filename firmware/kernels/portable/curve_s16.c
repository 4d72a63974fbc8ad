/* LOGISTIC and TANH on int16: between tabulated values of one half, as the other is its mirror. */
#include "curve_s16.h"

#include "int16.h"

enum { LAST = 255 };

/** Between two values `1 << bits` apart, with as many bits more; saturated at the table's end. */
static uint32_t interpolate(const uint16_t *table, uint32_t place, int32_t bits) {
    uint32_t index = place >> bits, part = place & ((1u << bits) - 1);
    return ((uint32_t)table[index] << bits) + part * (uint32_t)(table[index + 1] - table[index]);
}

static int32_t logistic(const uint16_t *table, int32_t value) {
    uint32_t place = (uint32_t)(value < 0 ? -value : value);
    uint32_t result = place >> 9 >= LAST ? UINT32_C(0x7fff) << 10 : interpolate(table, place, 9);
    result = value >= 0 ? result + (1 << 9) : (1 << 25) - result + (1 << 9) - 1;
    return (int32_t)(result >> 10);
}

static int32_t tanh_of(const uint16_t *table, int32_t value) {
    uint32_t place = (uint32_t)(value < 0 ? -value : value);
    int32_t result = place >> 8 >= LAST ? 0xffff << 8 : (int32_t)interpolate(table, place, 8);
    result -= 1 << 23; /* one half */
    result = value >= 0 ? result + (1 << 7) : -result + (1 << 7) - 1;
    return result >> 8;
}

void curve_s16(const struct curve_s16 *op, const int8_t *input, int8_t *output) {
    int32_t rounding = op->shift > 0 ? INT32_C(1) << (op->shift - 1) : 0;
    for (int32_t i = 0; i < op->elements; i++) {
        int32_t value = (load_s16(input, i) * op->multiplier + rounding) >> op->shift;
        store_s16(output, i,
                  op->tanh ? tanh_of(op->logistic, value) : logistic(op->logistic, value));
    }
}
