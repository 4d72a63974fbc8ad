/* The arithmetic of requantize.h on four accumulators at once: in full, right for every channel. */
#ifndef TINYHIL_REQUANTIZE_MVE_H
#define TINYHIL_REQUANTIZE_MVE_H

#include <arm_mve.h>

#include "requantize.h"

/** Four channels, one in each lane. */
struct channels_mve {
    int32x4_t bias, multiplier, left, minus_right;
};

/** The channels at `indexes`. */
static inline struct channels_mve load_channels_mve(const struct channel_s8 *channels,
                                                    uint32x4_t indexes) {
    const uint32x4_t offsets = vmulq_n_u32(indexes, sizeof *channels);
    int32x4_t left = vreinterpretq_s32_u32(vldrbq_gather_offset_u32(&channels->left, offsets));
    int32x4_t right = vreinterpretq_s32_u32(vldrbq_gather_offset_u32(&channels->right, offsets));
    return (struct channels_mve){
        .bias = vldrwq_gather_offset_s32(&channels->bias, offsets),
        .multiplier = vldrwq_gather_offset_s32(&channels->multiplier, offsets),
        .left = left,
        .minus_right = vnegq_s32(right),
    };
}

/** From four sums, with the bias, to outputs that are still to be saturated. */
static inline int32x4_t requantize_mve(int32x4_t sums, const struct channels_mve *channels,
                                       int32_t zero_point) {
    int32x4_t value = vshlq_s32(sums, channels->left);
    value = vqrdmulhq_s32(value, channels->multiplier); /* rounds halves up, as wanted */
    /* The next shift does so too: one less where there is a shift and the value is negative turns
     * halves up into halves away from zero. */
    int32x4_t less = vshrq_n_s32(vandq_s32(value, channels->minus_right), 31);
    value = vrshlq_s32(vaddq_s32(value, less), channels->minus_right);
    return vaddq_n_s32(value, zero_point);
}

/** Saturates to int8; of each lane, only the lowest byte has a meaning afterwards. */
static inline int32x4_t saturate_mve(int32x4_t value) {
    int16x8_t half = vqmovnbq_s32(vreinterpretq_s16_s32(value), value);
    return vreinterpretq_s32_s8(vqmovnbq_s16(vreinterpretq_s8_s16(half), half));
}

#endif
