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
        int8x16_t w = vldrbq_s8(weights);
        s0 = vmladavaq_s16(s0, x, vmovlbq_s8(w));
        s1 = vmladavaq_s16(s1, x, vmovltq_s8(w));
        w = vldrbq_s8(upper);
        s2 = vmladavaq_s16(s2, x, vmovlbq_s8(w));
        s3 = vmladavaq_s16(s3, x, vmovltq_s8(w));
        input += HALF;
        weights += 2 * HALF;
        upper += 2 * HALF;
    }
    return (int32x4_t){s0, s1, s2, s3};
}

static void connect(const struct fully_connected_s8 *op, const int8_t *input, int8_t *output) {
    const uint32_t outputs = (uint32_t)op->outputs;
    const int32_t pair = (op->inputs + HALF - 1) / HALF * HALF * 2;
    const int8_t *weights = op->weights;
    for (uint32_t first = 0; first < outputs; first += BLOCK) {
        const uint32x4_t indexes =
            vminq_u32(vidupq_n_u32(first, 1), vdupq_n_u32(outputs - 1)); /* only what there is */
        const struct channels_mve block = load_channels_mve(op->channels, indexes);
        int32x4_t sums = vaddq_s32(multiply(input, weights, op->inputs, pair), block.bias);
        int32x4_t result = saturate_mve(requantize_mve(sums, &block, op->output_zero_point));
        vstrbq_p_s32(output + first, result, vctp32q(outputs - first));
        weights += 2 * pair;
    }
}

void fully_connected_s8(const struct fully_connected_s8 *op, const int8_t *input, int8_t *output,
                        int8_t *scratch) {
    (void)scratch; /* for kernels that widen their inputs */
    for (int32_t row = 0; row < op->rows; row++) {
        connect(op, input + row * op->inputs, output + row * op->outputs);
    }
    clamp_s8(output, op->rows * op->outputs, op->activation_min, op->activation_max);
}
