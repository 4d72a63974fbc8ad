/* ADD for Helium: four sums in a common unit, requantized at once. */
#include "add_s8.h"

#include <stdbool.h>

#include "requantize_mve.h"

enum { LANES = 4 };

static inline int32x4_t sum(const struct add_s8 *op, int32x4_t first, int32x4_t second) {
    /* Offsets wrap: those of negative values are before the middle of the table. */
    return vaddq_s32(
        vshlq_n_s32(first, ADD_SHIFT),
        vldrwq_gather_shifted_offset_s32(op->second - INT8_MIN, vreinterpretq_u32_s32(second)));
}

static inline int32x4_t add(const struct add_s8 *op, const struct channels_mve *channel,
                            int32x4_t first, int32x4_t second) {
    int32x4_t sums = vaddq_s32(sum(op, first, second), channel->bias);
    return saturate_mve(requantize_mve(sums, channel, op->output_zero_point));
}

/** The same where there is neither bias nor left shift and all below the zero point is one output.
 */
static inline int32x4_t add_plain(const struct add_s8 *op, const struct channels_mve *channel,
                                  int32x4_t first, int32x4_t second) {
    int32x4_t value = vqrdmulhq_s32(sum(op, first, second), channel->multiplier);
    value = vrshlq_s32(value, channel->minus_right);
    return saturate_mve(vaddq_n_s32(value, op->output_zero_point));
}

void add_s8(const struct add_s8 *op, const int8_t *first, const int8_t *second, int8_t *output) {
    const struct channels_mve channel = load_channels_mve(op->channels, vdupq_n_u32(0));
    const bool plain = op->channels->bias == 0 && op->channels->left == 0 &&
                       op->output_zero_point <= op->activation_min;
    int8_t *place = output;
    int32_t left = op->elements;
    for (; plain && left >= LANES; left -= LANES, place += LANES) {
        vstrbq_s32(place, add_plain(op, &channel, vldrbq_s32(first), vldrbq_s32(second)));
        first += LANES;
        second += LANES;
    }
    for (; left > 0; left -= LANES, place += LANES) {
        const mve_pred16_t lanes = vctp32q((uint32_t)left);
        int32x4_t both = add(op, &channel, vldrbq_z_s32(first, lanes), vldrbq_z_s32(second, lanes));
        vstrbq_p_s32(place, both, lanes);
        first += LANES;
        second += LANES;
    }
    clamp_s8(output, op->elements, op->activation_min, op->activation_max);
}
