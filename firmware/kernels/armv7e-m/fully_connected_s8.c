/*
 * FULLY_CONNECTED in blocks of four outputs: inputs are widened once, and two at a time multiplied
 * with weights that are widened as they are loaded.
 */
#include "fully_connected_s8.h"

#include "simd32.h"

enum { BLOCK = 4, UNROLL = 8 };

/** Widens `count` inputs; returns their end. */
static int16_t *widen(int16_t *wide, const int8_t *inputs, int32_t count) {
    for (; count >= 4; count -= 4, inputs += 4, wide += 4) {
        bytes4 bytes = load_bytes(inputs);
        pair16 *pairs = (pair16 *)(void *)wide;
        pairs[0] = lower_pair(bytes);
        pairs[1] = upper_pair(bytes);
    }
    for (; count > 0; count--) {
        *wide++ = *inputs++;
    }
    return wide;
}

static inline void store(const struct channel_s8 *channel, int32_t zero_point, int32_t sum,
                         int8_t *output) {
    if (channel->careful) {
        *output = requantize_careful_s8(sum, channel, zero_point);
    } else {
        const struct short_s8 quick = short_s8(channel, zero_point);
        *output = requantize_short_s8(sum, &quick);
    }
}

/**
 * Sums of products of inputs, from `x` to `end`, with the weights of two pairs of outputs. Out of
 * line, as the loop needs every register.
 */
static __attribute__((noinline)) void multiply(const pair16 *x, const pair16 *end,
                                               const bytes4 *lower, const bytes4 *upper,
                                               int32_t sums[BLOCK]) {
    int32_t s0 = 0, s1 = 0, s2 = 0, s3 = 0;
    do {
        /* Adjacent words are read in one instruction. */
#define STEP(k)                                                                                    \
    do {                                                                                           \
        pair16 x0 = x[k], x1 = x[(k) + 1];                                                         \
        bytes4 a0 = lower[k], a1 = lower[(k) + 1];                                                 \
        s0 = multiply_add(x0, even_bytes(a0), s0);                                                 \
        s1 = multiply_add(x0, odd_bytes(a0), s1);                                                  \
        s0 = multiply_add(x1, even_bytes(a1), s0);                                                 \
        s1 = multiply_add(x1, odd_bytes(a1), s1);                                                  \
        bytes4 b0 = upper[k], b1 = upper[(k) + 1];                                                 \
        s2 = multiply_add(x0, even_bytes(b0), s2);                                                 \
        s3 = multiply_add(x0, odd_bytes(b0), s3);                                                  \
        s2 = multiply_add(x1, even_bytes(b1), s2);                                                 \
        s3 = multiply_add(x1, odd_bytes(b1), s3);                                                  \
    } while (0)
        STEP(0);
        STEP(2);
#undef STEP
        x += UNROLL / 2;
        lower += UNROLL / 2;
        upper += UNROLL / 2;
    } while (x < end);
    sums[0] = s0;
    sums[1] = s1;
    sums[2] = s2;
    sums[3] = s3;
}

static void connect(const struct fully_connected_s8 *op, const pair16 *x, const pair16 *end,
                    int8_t *output) {
    const bytes4 *weights = (const bytes4 *)(const void *)op->weights;
    for (int32_t first = 0; first < op->outputs; first += BLOCK) {
        int32_t sums[BLOCK];
        multiply(x, end, weights, weights + (end - x), sums);
        weights += 2 * (end - x);
        for (int32_t i = 0; i < BLOCK && first + i < op->outputs; i++) {
            store(&op->channels[first + i], op->output_zero_point, sums[i], output + first + i);
        }
    }
}

void fully_connected_s8(const struct fully_connected_s8 *op, const int8_t *input, int8_t *output,
                        int8_t *scratch) {
    int16_t *wide = (int16_t *)(void *)scratch;
    for (int32_t row = 0; row < op->rows; row++) {
        int16_t *end = widen(wide, input + row * op->inputs, op->inputs);
        while ((end - wide) % UNROLL != 0) {
            *end++ = 0; /* meets weights of zero */
        }
        connect(op, (const pair16 *)(const void *)wide, (const pair16 *)(const void *)end,
                output + row * op->outputs);
    }
    clamp_s8(output, op->rows * op->outputs, op->activation_min, op->activation_max);
}
