/*
 * From a 32-bit accumulator to an int8 output, bit-exact to the TensorFlow Lite reference kernels.
 *
 * The reference multiplies by multiplier * 2^-31 with rounding (halves up), then divides by
 * 2^right with rounding (halves away from zero), adds the zero point and clamps: two roundings,
 * both of which must be kept. The compiler has proved of every channel that its sums, shifted to
 * the left, fit into 32 bits; nothing here can overflow.
 *
 * Right shifts of negative numbers are arithmetic on every compiler that this is built with.
 */
#ifndef TINYHIL_REQUANTIZE_H
#define TINYHIL_REQUANTIZE_H

#include <stdint.h>

#include "product.h"

/** What one output channel needs in addition to its weights. */
struct channel_s8 {
    int32_t bias;       /**< With the input's zero point folded in. */
    int32_t multiplier; /**< In units of 2^-31: 0, or 2^30 to 2^31 - 1. */
    uint8_t left;       /**< Shift to the left before the multiplication: 0 to 30. */
    uint8_t right;      /**< Rounding shift to the right after it: 0 to 31. */
    uint8_t careful;    /**< 1: requantize_short_s8 is not proved exact for this channel. */
};

/**
 * Saturates, given the value plus 128: that is what a compiler recognizes as the single
 * instruction for an unsigned byte.
 */
static inline int8_t saturate_s8(int32_t value_plus_128) {
    int32_t value = value_plus_128 < 0 ? 0 : value_plus_128;
    value = value > UINT8_MAX ? UINT8_MAX : value;
    return (int8_t)((uint8_t)value ^ 0x80);
}

/** In full, before zero point and clamp: right for every channel. `sum` is without the bias. */
static inline int32_t rescale_s32(int32_t sum, const struct channel_s8 *channel) {
    int32_t shifted = (int32_t)((uint32_t)(sum + channel->bias) << channel->left);
    int64_t product = (int64_t)shifted * channel->multiplier;
    int32_t scaled = (int32_t)((product + (INT64_C(1) << 30)) >> 31);
    if (channel->right > 0) {
        /* One less for a negative number turns halves up into halves away from zero. */
        scaled = (((scaled + (scaled >> 31)) >> (channel->right - 1)) + 1) >> 1;
    }
    return scaled;
}

/** The same as an output. */
static inline int8_t requantize_careful_s8(int32_t sum, const struct channel_s8 *channel,
                                           int32_t zero_point) {
    return saturate_s8(rescale_s32(sum, channel) + zero_point + 128);
}

/** What all outputs of a channel that is not careful share. */
struct short_s8 {
    int32_t twice_bias;
    int32_t multiplier;
    int32_t rounding; /**< Half a step, the zero point and 128, in units before the right shift. */
    int32_t right;
};

static inline struct short_s8 short_s8(const struct channel_s8 *channel, int32_t zero_point) {
    uint32_t steps = (uint32_t)(2 * (zero_point + 128) + 1);
    return (struct short_s8){
        .twice_bias = channel->bias * 2,
        .multiplier = channel->multiplier,
        .rounding = (int32_t)(steps << channel->right >> 1),
        .right = channel->right,
    };
}

/**
 * The same for channels that are not careful, in a few instructions. As the sum is doubled, the
 * first rounding is that of the product's upper word to the nearest. The second one is exact only
 * where there is a right shift, or where what is below zero saturates anyway.
 */
static inline int8_t requantize_short_s8(int32_t sum, const struct short_s8 *channel) {
    int32_t doubled = (int32_t)((uint32_t)sum * 2 + (uint32_t)channel->twice_bias);
    int32_t scaled = high_product(doubled, channel->multiplier);
    scaled += scaled >> 31; /* halves away from zero, as above */
    return saturate_s8((scaled + channel->rounding) >> channel->right);
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
