/* ADD for Helium: four sums in a common unit, requantized at once. */
#include "add_s8.h"

#include "requantize_mve.h"

enum { LANES = 4 };

static inline int32x4_t add(const struct add_s8 *op, const struct channels_mve *channel,
                            int32x4_t first, int32x4_t second) {
    uint32x4_t indexes = vreinterpretq_u32_s32(vsubq_n_s32(second, INT8_MIN));
    int32x4_t sums = vaddq_s32(vshlq_n_s32(first, ADD_SHIFT),
                               vldrwq_gather_shifted_offset_s32(op->second, indexes));
    return saturate_mve(
        requantize_mve(vaddq_s32(sums, channel->bias), channel, op->output_zero_point));
}

void add_s8(const struct add_s8 *op, const int8_t *first, const int8_t *second, int8_t *output) {
    const struct channels_mve channel = load_channels_mve(op->channels, vdupq_n_u32(0));
    int8_t *place = output;
    for (int32_t whole = op->elements / LANES; whole > 0; whole--) {
        vstrbq_s32(place, add(op, &channel, vldrbq_s32(first), vldrbq_s32(second)));
        first += LANES;
        second += LANES;
        place += LANES;
    }
    const mve_pred16_t rest = vctp32q((uint32_t)op->elements % LANES);
    vstrbq_p_s32(place, add(op, &channel, vldrbq_z_s32(first, rest), vldrbq_z_s32(second, rest)),
                 rest);
    clamp_s8(output, op->elements, op->activation_min, op->activation_max);
}
