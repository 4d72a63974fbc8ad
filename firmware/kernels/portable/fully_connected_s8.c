/*
 * FULLY_CONNECTED in blocks of four outputs, which share every input they load. The last block
 * repeats its last output where outputs run out: it computes and stores the same byte again.
 */
#include "fully_connected_s8.h"

static inline void store(const struct channel_s8 *channel, int32_t zero_point, int32_t sum,
                         int8_t *output) {
    *output = channel->careful
                  ? requantize_careful_s8(sum, channel, zero_point)
                  : requantize_short_s8(sum, channel, rounding_s8(channel, zero_point));
}

static void connect(const struct fully_connected_s8 *op, const int8_t *input, int8_t *output) {
    int32_t last = op->outputs - 1;
    int32_t zero_point = op->output_zero_point;
    for (int32_t i0 = 0; i0 <= last; i0 += 4) {
        int32_t i1 = i0 + 1 < last ? i0 + 1 : last;
        int32_t i2 = i0 + 2 < last ? i0 + 2 : last;
        int32_t i3 = i0 + 3 < last ? i0 + 3 : last;
        const int8_t *w0 = op->weights + i0 * op->inputs;
        const int8_t *w1 = op->weights + i1 * op->inputs;
        const int8_t *w2 = op->weights + i2 * op->inputs;
        const int8_t *w3 = op->weights + i3 * op->inputs;
        int32_t s0 = op->channels[i0].bias, s1 = op->channels[i1].bias;
        int32_t s2 = op->channels[i2].bias, s3 = op->channels[i3].bias;
        const int8_t *x = input;
#define STEP(k)                                                                                    \
    do {                                                                                           \
        int32_t value = x[k];                                                                      \
        s0 += value * w0[k];                                                                       \
        s1 += value * w1[k];                                                                       \
        s2 += value * w2[k];                                                                       \
        s3 += value * w3[k];                                                                       \
    } while (0)
        int32_t left = op->inputs;
        for (; left >= 4; left -= 4) {
            STEP(0);
            STEP(1);
            STEP(2);
            STEP(3);
            x += 4, w0 += 4, w1 += 4, w2 += 4, w3 += 4;
        }
        for (; left > 0; left--) {
            STEP(0);
            x++, w0++, w1++, w2++, w3++;
        }
#undef STEP
        store(&op->channels[i0], zero_point, s0, output + i0);
        store(&op->channels[i1], zero_point, s1, output + i1);
        store(&op->channels[i2], zero_point, s2, output + i2);
        store(&op->channels[i3], zero_point, s3, output + i3);
    }
}

void fully_connected_s8(const struct fully_connected_s8 *op, const int8_t *input, int8_t *output) {
    for (int32_t row = 0; row < op->rows; row++) {
        connect(op, input + row * op->inputs, output + row * op->outputs);
    }
    clamp_s8(output, op->rows * op->outputs, op->activation_min, op->activation_max);
}
