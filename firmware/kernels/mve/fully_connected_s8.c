/*
 * FULLY_CONNECTED for Helium in blocks of four outputs, which share every input they load: 16
 * inputs at a time, whose weights a VLD2 takes apart, then what is left over in 16 bits.
 */
#include "fully_connected_s8.h"

#include "requantize_mve.h"

enum { BLOCK = 4, CHUNK = 16, HALF = 8 };

/** Sums of four outputs, the weights of each two of which take `pair` bytes. */
static inline int32x4_t multiply(const int8_t *input, const int8_t *weights, int32_t inputs,
                                 int32_t pair) {
    const int8_t *upper = weights + pair;
    int32_t s0 = 0, s1 = 0, s2 = 0, s3 = 0;
    for (int32_t chunks = inputs / CHUNK; chunks > 0; chunks--) {
        int8x16_t x = vldrbq_s8(input);
        int8x16x2_t w = vld2q_s8(weights);
        s0 = vmladavaq_s8(s0, x, w.val[0]);
        s1 = vmladavaq_s8(s1, x, w.val[1]);
        w = vld2q_s8(upper);
        s2 = vmladavaq_s8(s2, x, w.val[0]);
        s3 = vmladavaq_s8(s3, x, w.val[1]);
        input += CHUNK;
        weights += 2 * CHUNK;
        upper += 2 * CHUNK;
    }
    for (int32_t left = inputs % CHUNK; left > 0; left -= HALF) {
        int16x8_t x = vldrbq_z_s16(input, vctp16q((uint32_t)left));
        const mve_pred16_t lanes = vctp8q(2 * (uint32_t)left);
        int8x16_t w = vldrbq_z_s8(weights, lanes);
        s0 = vmladavaq_s16(s0, x, vmovlbq_s8(w));
        s1 = vmladavaq_s16(s1, x, vmovltq_s8(w));
        w = vldrbq_z_s8(upper, lanes);
        s2 = vmladavaq_s16(s2, x, vmovlbq_s8(w));
        s3 = vmladavaq_s16(s3, x, vmovltq_s8(w));
        input += HALF;
        weights += 2 * HALF;
        upper += 2 * HALF;
    }
    return (int32x4_t){s0, s1, s2, s3};
}

static void connect(const struct fully_connected_s8 *op, const struct range_mve *range,
                    const int8_t *input, int8_t *output) {
    const struct channel_s8 *channels = op->channels;
    const int8_t *weights = op->weights;
    const int32_t pair = (op->inputs + 7) / 8 * 8 * 2;
    for (int32_t left = op->outputs; left > 0; left -= BLOCK) {
        const mve_pred16_t lanes = vctp32q((uint32_t)left);
        int32x4_t sums = multiply(input, weights, op->inputs, pair);
        struct channels_mve block = load_channels_mve(channels, 1, lanes);
        vstrbq_p_s32(output, requantize_channels_mve(sums, &block, range), lanes);
        weights += 2 * pair;
        channels += BLOCK;
        output += BLOCK;
    }
}

void fully_connected_s8(const struct fully_connected_s8 *op, const int8_t *input, int8_t *output,
                        int8_t *scratch) {
    (void)scratch; /* for kernels that widen their inputs */
    const struct range_mve range = {op->output_zero_point, op->activation_min, op->activation_max};
    for (int32_t row = 0; row < op->rows; row++) {
        connect(op, &range, input + row * op->inputs, output + row * op->outputs);
    }
}
