/*
 * CONV_2D as a matrix product in blocks of four pixels and two channels.
 *
 * Two pixels travel in one word (see packed.h); patches whose sums might outgrow it are summed up
 * in runs, of a length that the compiler chooses from the weights.
 *
 * The four patches are gathered once for all output channels, with the input's zero point where
 * the kernel hangs over the edge, so the inner loop knows no border. The last block repeats
 * its last pixel where pixels run out: it computes and stores the same bytes again.
 */
#include "conv2d_s8.h"

#include <stdbool.h>

#include "packed.h"

enum { PIXELS = 4, LANES = 2, UNROLL = 8 };

/** Puts values into one half of a lane; the lower half is written first. */
static inline int32_t *place(int32_t *lane, int32_t value, bool upper) {
    *lane = upper ? pack_high(*lane, value) : value;
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

#ifndef TINYHIL_OWN_MULTIPLY
/**
 * Sums of products of four patches with the weights of two channels, from `patch` to `end`: four
 * sums of the first channel, four of the second. Out of line, as the loop needs every register.
 */
static __attribute__((noinline)) void multiply(const int32_t *patch, const int32_t *end,
                                               const int8_t *weights, int32_t sums[2 * PIXELS]) {
    packed_sums a01 = NO_SUMS, a23 = NO_SUMS, b01 = NO_SUMS, b23 = NO_SUMS;
    do {
#define STEP(k)                                                                                    \
    do {                                                                                           \
        int32_t a = weights[2 * (k)], b = weights[2 * (k) + 1];                                    \
        int32_t x01 = patch[LANES * (k)], x23 = patch[LANES * (k) + 1];                            \
        ADD_PRODUCTS(a01, x01, a);                                                                 \
        ADD_PRODUCTS(b01, x01, b);                                                                 \
        ADD_PRODUCTS(a23, x23, a);                                                                 \
        ADD_PRODUCTS(b23, x23, b);                                                                 \
    } while (0)
        STEP(0);
        STEP(1);
        STEP(2);
        STEP(3);
        STEP(4);
        STEP(5);
        STEP(6);
        STEP(7);
#undef STEP
        weights += 2 * UNROLL;
        patch += LANES * UNROLL;
    } while (patch < end);
    sums[0] = low_sum(a01);
    sums[1] = high_sum(a01);
    sums[2] = low_sum(a23);
    sums[3] = high_sum(a23);
    sums[4] = low_sum(b01);
    sums[5] = high_sum(b01);
    sums[6] = low_sum(b23);
    sums[7] = high_sum(b23);
}
#endif

/** The same for whole patches that are longer than a run. */
static __attribute__((noinline)) void multiply_runs(const struct conv2d_s8 *op,
                                                    const int32_t *patch, const int8_t *weights,
                                                    int32_t sums[2 * PIXELS]) {
    const int32_t *end = patch + LANES * op->patch;
    for (int i = 0; i < 2 * PIXELS; i++) {
        sums[i] = 0;
    }
    while (patch < end) {
        int32_t part[2 * PIXELS];
        const int32_t *next = patch + LANES * op->run < end ? patch + LANES * op->run : end;
        multiply(patch, next, weights, part);
        for (int i = 0; i < 2 * PIXELS; i++) {
            sums[i] += part[i];
        }
        weights += next - patch; /* two channels a step here, two lanes a step there */
        patch = next;
    }
}

static void store(const struct channel_s8 *channel, int32_t zero_point, const int32_t sums[PIXELS],
                  int8_t *const outputs[PIXELS], int32_t index) {
    if (channel->careful) {
        for (int i = 0; i < PIXELS; i++) {
            outputs[i][index] = requantize_careful_s8(sums[i], channel, zero_point);
        }
    } else {
        const struct short_s8 quick = short_s8(channel, zero_point);
        outputs[0][index] = requantize_short_s8(sums[0], &quick);
        outputs[1][index] = requantize_short_s8(sums[1], &quick);
        outputs[2][index] = requantize_short_s8(sums[2], &quick);
        outputs[3][index] = requantize_short_s8(sums[3], &quick);
    }
}

/** All output channels of four gathered pixels. */
static void convolve(const struct conv2d_s8 *op, const int32_t *patches,
                     int8_t *const outputs[PIXELS]) {
    const int8_t *weights = op->weights;
    for (int32_t index = 0; index < op->output_channels; index++) {
        int32_t sums[2 * PIXELS];
        if (op->patch <= op->run) {
            multiply(patches, patches + LANES * op->patch, weights, sums);
        } else {
            multiply_runs(op, patches, weights, sums);
        }
        weights += 2 * op->patch;
        store(&op->channels[index], op->output_zero_point, sums, outputs, index);
        index++;
        if (index < op->output_channels) {
            store(&op->channels[index], op->output_zero_point, sums + PIXELS, outputs, index);
        }
    }
}

void conv2d_s8(const struct conv2d_s8 *op, const int8_t *input, int8_t *output, int8_t *scratch) {
    int32_t *patches = (int32_t *)(void *)scratch;
    int32_t pixels = op->output_height * op->output_width;
    for (int32_t i = LANES * (op->patch - (UNROLL - 1)); i < LANES * op->patch; i++) {
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
        convolve(op, patches, outputs);
    }
    clamp_s8(output, pixels * op->output_channels, op->activation_min, op->activation_max);
}
