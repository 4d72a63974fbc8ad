/*
 * CONV_2D for Helium, as a matrix product in blocks of four pixels and two channels.
 *
 * The patches of four pixels are gathered once for all output channels, in chunks of 16 bytes, the
 * four pixels' next to each other, so that one pointer serves the eight sums of the inner loop.
 * Weights come in pairs of channels, which a VLD2 takes apart. A patch is a multiple of 8; an odd
 * one ends in half a chunk, which is multiplied in 16 bits.
 */
#include "conv2d_s8.h"

#include "requantize_mve.h"

enum { PIXELS = 4, CHUNK = 16, LANES = PIXELS * CHUNK };

/** Where the next byte of a pixel's patch belongs. */
struct cursor {
    int8_t *place;
    int32_t room; /**< In this chunk. */
};

/** Appends `count` bytes: those at `values`, or the first one over and over if `step` is 0. */
static inline struct cursor append(struct cursor cursor, const int8_t *values, int32_t step,
                                   int32_t count) {
    while (count > 0) {
        int32_t now = count < cursor.room ? count : cursor.room;
        mve_pred16_t lanes = vctp8q((uint32_t)now);
        int8x16_t chunk = step ? vldrbq_z_s8(values, lanes) : vdupq_n_s8(*values);
        vstrbq_p_s8(cursor.place, chunk, lanes);
        values += step * now;
        count -= now;
        cursor.place += now;
        cursor.room -= now;
        if (cursor.room == 0) {
            cursor.place += LANES - CHUNK;
            cursor.room = CHUNK;
        }
    }
    return cursor;
}

/** Gathers the patch under one output pixel. */
static void gather(const struct conv2d_s8 *op, const int8_t *input, int32_t pixel, int8_t *lane) {
    int32_t top = pixel / op->output_width * op->stride_height - op->pad_top;
    int32_t left = pixel % op->output_width * op->stride_width - op->pad_left;
    int32_t skipped = left < 0 ? -left : 0;
    int32_t reach = op->input_width - left;
    int32_t inside = (reach < op->kernel_width ? reach : op->kernel_width) - skipped;
    inside = inside > 0 ? inside : 0;
    int32_t behind = op->kernel_width - skipped - inside;
    int32_t channels = op->input_channels;
    const int8_t zero_point = (int8_t)op->input_zero_point;
    struct cursor cursor = {lane, CHUNK};
    for (int32_t y = top; y < top + op->kernel_height; y++) {
        if (y < 0 || y >= op->input_height) {
            cursor = append(cursor, &zero_point, 0, op->kernel_width * channels);
        } else {
            const int8_t *row = input + (y * op->input_width + left + skipped) * channels;
            cursor = append(cursor, &zero_point, 0, skipped * channels);
            cursor = append(cursor, row, 1, inside * channels);
            cursor = append(cursor, &zero_point, 0, behind * channels);
        }
    }
}

/** Sums of four pixels for a pair of channels. */
static inline int32x4x2_t multiply(const int8_t *patches, const int8_t *weights, int32_t patch) {
    int32_t a0 = 0, a1 = 0, a2 = 0, a3 = 0;
    int32_t b0 = 0, b1 = 0, b2 = 0, b3 = 0;
    int32_t chunks = patch / CHUNK;
    if (patch % CHUNK) {
        const int8_t *rest = patches + chunks * LANES;
        int8x16_t pair = vldrbq_s8(weights + chunks * 2 * CHUNK);
        int16x8_t a = vmovlbq_s8(pair);
        int16x8_t b = vmovltq_s8(pair);
        int16x8_t x = vldrbq_s16(rest);
        a0 = vmladavq_s16(x, a);
        b0 = vmladavq_s16(x, b);
        x = vldrbq_s16(rest + CHUNK);
        a1 = vmladavq_s16(x, a);
        b1 = vmladavq_s16(x, b);
        x = vldrbq_s16(rest + 2 * CHUNK);
        a2 = vmladavq_s16(x, a);
        b2 = vmladavq_s16(x, b);
        x = vldrbq_s16(rest + 3 * CHUNK);
        a3 = vmladavq_s16(x, a);
        b3 = vmladavq_s16(x, b);
    }
    if (chunks > 0) {
        /* GCC 12 shuffles the eight even registers of the sums from one to the other. */
        __asm("1:\n\t"
              "vld20.8 {q0, q1}, [%[weights]]\n\t"
              "vld21.8 {q0, q1}, [%[weights]]!\n\t"
              "vldrb.8 q2, [%[patches]], #16\n\t"
              "vmladava.s8 %[a0], q2, q0\n\t"
              "vldrb.8 q3, [%[patches]], #16\n\t"
              "vmladava.s8 %[b0], q2, q1\n\t"
              "vmladava.s8 %[a1], q3, q0\n\t"
              "vldrb.8 q2, [%[patches]], #16\n\t"
              "vmladava.s8 %[b1], q3, q1\n\t"
              "vmladava.s8 %[a2], q2, q0\n\t"
              "vldrb.8 q3, [%[patches]], #16\n\t"
              "vmladava.s8 %[b2], q2, q1\n\t"
              "vmladava.s8 %[a3], q3, q0\n\t"
              "subs %[chunks], #1\n\t"
              "vmladava.s8 %[b3], q3, q1\n\t"
              "bne 1b"
              : [a0] "+Te"(a0), [a1] "+Te"(a1), [a2] "+Te"(a2), [a3] "+Te"(a3), [b0] "+Te"(b0),
                [b1] "+Te"(b1), [b2] "+Te"(b2), [b3] "+Te"(b3), [patches] "+r"(patches),
                [weights] "+r"(weights), [chunks] "+r"(chunks)
              :
              : "q0", "q1", "q2", "q3", "cc", "memory");
    }
    return (int32x4x2_t){{{a0, a1, a2, a3}, {b0, b1, b2, b3}}};
}

/** All output channels of `count` gathered pixels. */
static void convolve(const struct conv2d_s8 *op, const int8_t *patches, int8_t *output,
                     uint32_t count) {
    const struct range_mve range = {op->output_zero_point, op->activation_min, op->activation_max};
    const mve_pred16_t pixels = vctp32q(count);
    const uint32x4_t places = vmulq_n_u32(vidupq_n_u32(0, 1), (uint32_t)op->output_channels);
    const struct channel_s8 *channel = op->channels;
    const int8_t *weights = op->weights;
    for (int32_t left = op->output_channels; left > 0; left -= 2) {
        int32x4x2_t sums = multiply(patches, weights, op->patch);
        int32x4_t result = requantize_mve(sums.val[0], channel++, &range);
        vstrbq_scatter_offset_p_s32(output++, places, result, pixels);
        if (left > 1) {
            result = requantize_mve(sums.val[1], channel++, &range);
            vstrbq_scatter_offset_p_s32(output++, places, result, pixels);
        }
        weights += 2 * op->patch;
    }
}

void conv2d_s8(const struct conv2d_s8 *op, const int8_t *input, int8_t *output, int8_t *scratch) {
    int32_t pixels = op->output_height * op->output_width;
    for (int32_t first = 0; first < pixels; first += PIXELS) {
        int32_t count = pixels - first < PIXELS ? pixels - first : PIXELS;
        for (int32_t i = 0; i < count; i++) {
            gather(op, input, first + i, scratch + i * CHUNK);
        }
        convolve(op, scratch, output + first * op->output_channels, (uint32_t)count);
    }
}
