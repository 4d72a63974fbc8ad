/* The arithmetic of requantize.h on four accumulators at once. It is the full one, which is right
 * for every channel; a short one would save one instruction an output. */
#ifndef TINYHIL_REQUANTIZE_MVE_H
#define TINYHIL_REQUANTIZE_MVE_H

#include <arm_mve.h>

#include "requantize.h"

/** What ends every requantization. */
struct range_mve {
    int32_t zero_point, lowest, highest;
};

static inline int32x4_t saturate_mve(int32x4_t scaled, const struct range_mve *range) {
    int32x4_t value = vaddq_n_s32(scaled, range->zero_point);
    value = vmaxq_s32(value, vdupq_n_s32(range->lowest));
    return vminq_s32(value, vdupq_n_s32(range->highest));
}

/** Four sums, without bias, of one channel. */
static inline int32x4_t requantize_mve(int32x4_t sums, const struct channel_s8 *channel,
                                       const struct range_mve *range) {
    int32x4_t value = vshlq_r_s32(vaddq_n_s32(sums, channel->bias), channel->left);
    value = vqrdmulhq_n_s32(value, channel->multiplier); /* rounds halves up, as wanted */
    if (channel->right > 0) {
        /* One less for a negative number turns halves up into halves away from zero. */
        value = vaddq_s32(value, vshrq_n_s32(value, 31));
        value = vrshlq_n_s32(value, -channel->right);
    }
    return saturate_mve(value, range);
}

/** Four channels, one in each lane. */
struct channels_mve {
    int32x4_t bias, multiplier, left, minus_right;
};

/** Every `step`th channel from `first` on; lanes that `lanes` leaves out are not read. */
static inline struct channels_mve load_channels_mve(const struct channel_s8 *first, uint32_t step,
                                                    mve_pred16_t lanes) {
    const uint32x4_t offsets =
        vmulq_n_u32(vidupq_n_u32(0, 1), step * (uint32_t)sizeof(struct channel_s8));
    uint32x4_t right = vldrbq_gather_offset_z_u32((const uint8_t *)&first->right, offsets, lanes);
    return (struct channels_mve){
        .bias = vldrwq_gather_offset_z_s32(&first->bias, offsets, lanes),
        .multiplier = vldrwq_gather_offset_z_s32(&first->multiplier, offsets, lanes),
        .left = vreinterpretq_s32_u32(
            vldrbq_gather_offset_z_u32((const uint8_t *)&first->left, offsets, lanes)),
        .minus_right = vnegq_s32(vreinterpretq_s32_u32(right)),
    };
}

/** Four sums, without bias, of one channel each. */
static inline int32x4_t requantize_channels_mve(int32x4_t sums, const struct channels_mve *channels,
                                                const struct range_mve *range) {
    int32x4_t value = vshlq_s32(vaddq_s32(sums, channels->bias), channels->left);
    value = vqrdmulhq_s32(value, channels->multiplier);
    /* Minus one where both the value and the shift are negative; see above. */
    int32x4_t less = vshrq_n_s32(vandq_s32(value, channels->minus_right), 31);
    value = vrshlq_s32(vaddq_s32(value, less), channels->minus_right);
    return saturate_mve(value, range);
}

#endif
