/*
 * CONV_2D as a matrix product in blocks of four pixels and two channels.
 *
 * Two pixels travel in one 32-bit word, 2^23 apart, so that one multiply-accumulate into 64 bits
 * (a single instruction on Armv7-M and later) does the work of two:
 *
 *     (a + b * 2^23) * w = a * w + (b * w) * 2^23
 *
 * The lower sum is read back by sign extension from 23 bits. That is exact as long as it stays
 * within 22 bits and sign; the compiler chooses `run` from the weights so that it does.
 *
 * The four patches are gathered once for all output channels, with the input's zero point where
 * the kernel hangs over the edge, hence the inner loop knows no border. The last block repeats
 * its last pixel where pixels run out: it computes and stores the same bytes again.
 */
#include "conv2d_s8.h"

#include <stdbool.h>

enum { PIXELS = 4, LANES = 2, PACK_SHIFT = 23 };

/** Lower half of a packed accumulator. */
static inline int32_t low_sum(int64_t packed) {
    return (int32_t)((uint32_t)packed << (32 - PACK_SHIFT)) >> (32 - PACK_SHIFT);
}

/** Upper half: rounding to the nearest takes back what a negative lower half borrowed. */
static inline int32_t high_sum(int64_t packed) {
    return (int32_t)((packed + (INT64_C(1) << (PACK_SHIFT - 1))) >> PACK_SHIFT);
}

/** Puts values into one half of a lane; the lower half is written first. */
static inline int32_t *place(int32_t *lane, int32_t value, bool upper) {
    *lane = upper ? *lane + value * (INT32_C(1) << PACK_SHIFT) : value;
    return lane + LANES;
}

static inline int32_t *place_run(int32_t *lane, const int8_t *values, int32_t count, bool upper) {
    for (; count >= 4; count -= 4, values += 4) {
        lane = place(lane, values[0], upper);
        lane = place(lane, values[1], upper);
        lane = place(lane, values[2], upper);
        lane = place(lane, values[3], upper);
    }
    for (; count > 0; count--) {
        lane = place(lane, *values++, upper);
    }
    return lane;
}

static inline int32_t *place_padding(int32_t *lane, int32_t value, int32_t count, bool upper) {
    for (; count > 0; count--) {
        lane = place(lane, value, upper);
    }
    return lane;
}

/** Gathers the patch under one output pixel into one half of a lane. */
static inline void gather(const struct conv2d_s8 *op, const int8_t *input, int32_t pixel,
                          int32_t *lane, bool upper) {
    int32_t top = pixel / op->output_width * op->stride_height - op->pad_top;
    int32_t left = pixel % op->output_width * op->stride_width - op->pad_left;
    int32_t skipped = left < 0 ? -left : 0;
    int32_t reach = op->input_width - left;
    int32_t inside = (reach < op->kernel_width ? reach : op->kernel_width) - skipped;
    inside = inside > 0 ? inside : 0;
    int32_t behind = op->kernel_width - skipped - inside;
    int32_t channels = op->input_channels;
    int32_t zero = op->input_zero_point;
    int32_t row = (top * op->input_width + left + skipped) * channels;
    for (int32_t y = top; y < top + op->kernel_height; y++) {
        if (y < 0 || y >= op->input_height) {
            lane = place_padding(lane, zero, op->kernel_width * channels, upper);
        } else {
            lane = place_padding(lane, zero, skipped * channels, upper);
            lane = place_run(lane, input + row, inside * channels, upper);
            lane = place_padding(lane, zero, behind * channels, upper);
        }
        row += op->input_width * channels;
    }
}

static inline void store(const struct channel_s8 *channel, int32_t zero_point,
                         const int32_t sums[PIXELS], int8_t *const outputs[PIXELS], int32_t index) {
    if (channel->careful) {
        for (int i = 0; i < PIXELS; i++) {
            outputs[i][index] = requantize_careful_s8(sums[i], channel, zero_point);
        }
    } else {
        int32_t rounding = rounding_s8(channel, zero_point);
        for (int i = 0; i < PIXELS; i++) {
            outputs[i][index] = requantize_short_s8(sums[i], channel, rounding);
        }
    }
}

/** All output channels of four gathered pixels. */
static void multiply(const struct conv2d_s8 *op, const int32_t *patches,
                     int8_t *const outputs[PIXELS]) {
    const int8_t *weights = op->weights;
    for (int32_t index = 0; index < op->output_channels; index += 2) {
        const struct channel_s8 *channel = &op->channels[index];
        bool paired = index + 1 < op->output_channels;
        int32_t bias[2] = {channel[0].bias, paired ? channel[1].bias : 0};
        int32_t sums[2][PIXELS] = {{bias[0], bias[0], bias[0], bias[0]},
                                   {bias[1], bias[1], bias[1], bias[1]}};
        const int32_t *patch = patches;
        for (int32_t left = op->patch; left > 0; left -= op->run) {
            const int32_t *end = patch + LANES * (left < op->run ? left : op->run);
            int64_t a01 = 0, a23 = 0, b01 = 0, b23 = 0;
            do {
#define STEP(k)                                                                                    \
    do {                                                                                           \
        int32_t a = weights[2 * (k)], b = weights[2 * (k) + 1];                                    \
        int32_t x01 = patch[LANES * (k)], x23 = patch[LANES * (k) + 1];                            \
        a01 += (int64_t)x01 * a;                                                                   \
        a23 += (int64_t)x23 * a;                                                                   \
        b01 += (int64_t)x01 * b;                                                                   \
        b23 += (int64_t)x23 * b;                                                                   \
    } while (0)
                STEP(0);
                STEP(1);
                STEP(2);
                STEP(3);
#undef STEP
                weights += 8;
                patch += 4 * LANES;
            } while (patch < end);
            sums[0][0] += low_sum(a01);
            sums[0][1] += high_sum(a01);
            sums[0][2] += low_sum(a23);
            sums[0][3] += high_sum(a23);
            sums[1][0] += low_sum(b01);
            sums[1][1] += high_sum(b01);
            sums[1][2] += low_sum(b23);
            sums[1][3] += high_sum(b23);
        }
        store(&channel[0], op->output_zero_point, sums[0], outputs, index);
        if (paired) {
            store(&channel[1], op->output_zero_point, sums[1], outputs, index + 1);
        }
    }
}

void conv2d_s8(const struct conv2d_s8 *op, const int8_t *input, int8_t *output, int8_t *scratch) {
    int32_t *patches = (int32_t *)(void *)scratch;
    int32_t pixels = op->output_height * op->output_width;
    for (int32_t i = LANES * (op->patch - 3); i < LANES * op->patch; i++) {
        patches[i] = 0; /* what a patch is rounded up by meets zero weights */
    }
    for (int32_t first = 0; first < pixels; first += PIXELS) {
        int8_t *outputs[PIXELS];
        for (int32_t i = 0; i < PIXELS; i++) {
            int32_t pixel = first + i < pixels ? first + i : pixels - 1;
            outputs[i] = output + pixel * op->output_channels;
            if (i % 2 == 0) {
                gather(op, input, pixel, patches + i / 2, false);
            } else {
                gather(op, input, pixel, patches + i / 2, true);
            }
        }
        multiply(op, patches, outputs);
    }
    clamp_s8(output, pixels * op->output_channels, op->activation_min, op->activation_max);
}
