/*
 * FULLY_CONNECTED in blocks of four outputs, which share every input they load. Where outputs run
 * out, the last block has weights of zero, and its surplus sums are dropped.
 */
#include "fully_connected_s8.h"

enum { BLOCK = 4, UNROLL = 8, STEPS = 4 };

static void store(const struct channel_s8 *channel, int32_t zero_point, int32_t sum,
                  int8_t *output) {
    if (channel->careful) {
        *output = requantize_careful_s8(sum, channel, zero_point);
    } else {
        const struct short_s8 quick = short_s8(channel, zero_point);
        *output = requantize_short_s8(sum, &quick);
    }
}

static void connect(const struct fully_connected_s8 *op, const int8_t *input, int8_t *output) {
    int32_t pair = (op->inputs + UNROLL - 1) / UNROLL * UNROLL * 2;
    const int8_t *weights = op->weights;
    for (int32_t first = 0; first < op->outputs; first += BLOCK) {
        int32_t s0 = 0, s1 = 0, s2 = 0, s3 = 0;
        const int8_t *upper = weights + pair;
        const int8_t *end = input + op->inputs;
        const int8_t *x = input;
#define STEP(k)                                                                                    \
    do {                                                                                           \
        int32_t value = x[k];                                                                      \
        s0 += value * weights[2 * (k)];                                                            \
        s1 += value * weights[2 * (k) + 1];                                                        \
        s2 += value * upper[2 * (k)];                                                              \
        s3 += value * upper[2 * (k) + 1];                                                          \
    } while (0)
#ifndef TINYHIL_SHORT_PRODUCTS /* Armv6-M loads no signed byte from a constant distance */
        for (; end - x >= STEPS; x += STEPS) {
            STEP(0);
            STEP(1);
            STEP(2);
            STEP(3);
            weights += 2 * STEPS;
            upper += 2 * STEPS;
        }
#endif
        for (; x < end; x++) {
            STEP(0);
            weights += 2;
            upper += 2;
        }
#undef STEP
        weights = upper + (pair - 2 * op->inputs);
        const int32_t sums[BLOCK] = {s0, s1, s2, s3};
        for (int32_t i = 0; i < BLOCK && first + i < op->outputs; i++) {
            store(&op->channels[first + i], op->output_zero_point, sums[i], output + first + i);
        }
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
