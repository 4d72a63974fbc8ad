/*
 * From a 32-bit accumulator to an int8 output, bit-exact to the TensorFlow Lite reference kernels.
 *
 * The reference multiplies by multiplier * 2^-31 with rounding (halves up), then divides by
 * 2^right with rounding (halves away from zero), adds the zero point and clamps: two roundings,
 * both of which must be kept. The compiler has proved of every channel that
 * |accumulator| * 2^left < 2^30, so nothing here can overflow.
 *
 * Right shifts of negative numbers are arithmetic on every compiler that this is built with.
 */
#ifndef TINYHIL_REQUANTIZE_H
#define TINYHIL_REQUANTIZE_H

#include <stdint.h>

/** What one output channel needs besides its weights. */
struct channel_s8 {
    int32_t bias;       /**< With the input's zero point folded in. */
    int32_t multiplier; /**< In units of 2^-31: 0, or 2^30 to 2^31 - 1. */
    uint8_t left;       /**< Shift before the multiplication, plus one: 1 to 31. */
    uint8_t right;      /**< Rounding shift after it: 0 to 31. */
    uint8_t careful;    /**< 1: the short rounding is not proved exact here; round in full. */
};

static inline int8_t saturate_s8(int32_t value) {
    if (value > INT8_MAX) {
        value = INT8_MAX;
    }
    if (value < INT8_MIN) {
        value = INT8_MIN;
    }
    return (int8_t)value;
}

/**
 * accumulator * 2^(left - 1) * multiplier / 2^31, halves up. As 2^left carries one power of two
 * more, the result is the upper word of the product, and rounding adds the lower word's top bit.
 */
static inline int32_t scale_s8(int32_t accumulator, int32_t multiplier, uint32_t left) {
    int64_t product = (int64_t)(int32_t)((uint32_t)accumulator << left) * multiplier;
    return (int32_t)(product >> 32) + (int32_t)((uint32_t)product >> 31);
}

/** scaled / 2^right, halves away from zero, plus the zero point. */
static inline int8_t round_careful_s8(int32_t scaled, uint32_t right, int32_t zero_point) {
    if (right > 0) {
        scaled = (scaled + (INT32_C(1) << (right - 1)) + (scaled >> 31)) >> right;
    }
    return saturate_s8(scaled + zero_point);
}

/**
 * The constant of the short rounding: half a step, and the zero point in units of the value
 * before the shift. Only for channels that are not careful (right <= 23).
 */
static inline int32_t rounding_s8(uint32_t right, int32_t zero_point) {
    return (int32_t)((uint32_t)(2 * zero_point + 1) << right) >> 1;
}

/**
 * The same as round_careful_s8 in three instructions, for channels whose halves below zero either
 * do not exist or end at the lower bound of int8 in any case.
 */
static inline int8_t round_short_s8(int32_t scaled, uint32_t right, int32_t rounding) {
    return saturate_s8((scaled + rounding) >> right);
}

/** Clamps `count` outputs in place; int8 itself is the usual range, and then costs nothing. */
static inline void clamp_s8(int8_t *values, int32_t count, int32_t lowest, int32_t highest) {
    if (lowest <= INT8_MIN && highest >= INT8_MAX) {
        return;
    }
    for (int32_t i = 0; i < count; i++) {
        int32_t value = values[i];
        value = value < lowest ? lowest : value;
        value = value > highest ? highest : value;
        values[i] = (int8_t)value;
    }
}

#endif
