/*
 * Numbers of 16 bits in memory, and how sums of them become outputs, bit-exact to the TensorFlow
 * Lite reference kernels. Activations of 16 bits have no zero point: it is 0.
 *
 * Buffers are of bytes, as for int8: numbers may be at odd addresses, such as in a sample that was
 * received. A compiler makes one instruction of each copy where the core can read such numbers.
 */
#ifndef TINYHIL_INT16_H
#define TINYHIL_INT16_H

#include <stdint.h>
#include <string.h>

#include "requantize.h"

/** What one output channel needs in addition to its weights. */
struct channel_s16 {
    int64_t bias;
    int32_t multiplier;  /**< In units of 2^-shift: 0, or 2^14 to 2^15 - 1. */
    uint8_t shift;       /**< 8 to 46; or 0: the rest is as in requantize.h, and so are sums. */
    uint8_t left, right; /**< Shifts, only then. */
};

/** The number at `index`, which counts numbers. */
static inline int32_t load_s16(const int8_t *values, int32_t index) {
    int16_t value;
    memcpy(&value, values + (size_t)index * sizeof value, sizeof value);
    return value;
}

/** Keeps what is between -2^15 and 2^15 - 1. */
static inline void store_s16(int8_t *values, int32_t index, int32_t value) {
    int16_t stored = (int16_t)value;
    memcpy(values + (size_t)index * sizeof stored, &stored, sizeof stored);
}

static inline int32_t between_s32(int32_t value, int32_t lowest, int32_t highest) {
    value = value < lowest ? lowest : value;
    return value > highest ? highest : value;
}

/** Halves up. The compiler has proved that the result fits into 32 bits. */
static inline int32_t rescale_s64(int64_t sum, const struct channel_s16 *channel) {
    if (channel->shift == 0) {
        const struct channel_s8 same = {.bias = (int32_t)channel->bias,
                                        .multiplier = channel->multiplier,
                                        .left = channel->left,
                                        .right = channel->right};
        return rescale_s32((int32_t)sum, &same);
    }
    int64_t product = (sum + channel->bias) * channel->multiplier;
    return (int32_t)((product + (INT64_C(1) << (channel->shift - 1))) >> channel->shift);
}

/** The sum of products of `count` numbers of 16 bits, in a row, with as many weights. */
static inline int64_t products_s16(const int8_t *values, const int8_t *weights, int32_t count) {
    enum { RUN = 256 }; /* So many products fit into 32 bits. */
    int64_t sum = 0;
    for (int32_t first = 0; first < count; first += RUN) {
        int32_t end = count - first < RUN ? count : first + RUN;
        int32_t part = 0;
        for (int32_t i = first; i < end; i++) {
            part += load_s16(values, i) * weights[i];
        }
        sum += part;
    }
    return sum;
}

/** The value of a function between its 513 tabulated ones, 128 steps apart. */
static inline int32_t interpolate_s16(const int16_t *table, int32_t value) {
    int32_t index = 256 + (value >> 7);
    int32_t slope = (int16_t)(table[index + 1] - table[index]);
    return (int16_t)(table[index] + ((slope * (value & 127) + 64) >> 7));
}

#endif
