/*
 * CONV_2D for Helium, as a matrix product in blocks of two pixels and two channels.
 *
 * Up to eight patches are gathered at a time; a convolution of single pixels takes its patches
 * right from the input. Weights come in pairs of channels, which a VLD2 takes apart. A patch is a
 * multiple of 8; where it is not one of 16 its end is multiplied in 16 bits.
 */
#include "conv2d_s8.h"

#include <stdbool.h>

#include "patch_mve.h"
#include "requantize_mve.h"

enum { PIXELS = 8, CHUNK = 16 };

/** Gathers the patch under one output pixel. */
static void gather(const struct conv2d_s8 *op, const int8_t *input, int32_t pixel, int8_t *patch) {
    int32_t top = pixel / op->output_width * op->stride_height - op->pad_top;
    int32_t left = pixel % op->output_width * op->stride_width - op->pad_left;
    int32_t skipped = left < 0 ? -left : 0;
    int32_t reach = op->input_width - left;
    int32_t inside = (reach < op->kernel_width ? reach : op->kernel_width) - skipped;
    int32_t channels = op->input_channels;
    int32_t row = op->input_width * channels;
    int32_t whole = op->kernel_width * channels;
    int32_t offset = top * row + (left + skipped) * channels; /* negative above the image */
    if (inside == op->kernel_width && top >= 0 && top + op->kernel_height <= op->input_height) {
        for (int32_t rows = op->kernel_height; rows > 0; rows--, offset += row) {
            patch = place_run(patch, input + offset, whole);
        }
        return;
    }
    int32_t zero = op->input_zero_point;
    int32_t before = skipped * channels;
    int32_t run = inside * channels;
    for (int32_t y = top; y < top + op->kernel_height; y++, offset += row) {
        if (y < 0 || y >= op->input_height) {
            patch = place_padding(patch, zero, whole);
        } else {
            patch = place_padding(patch, zero, before);
            patch = place_run(patch, input + offset, run);
            patch = place_padding(patch, zero, whole - before - run);
        }
    }
}

/** Sums of two pixels for a pair of channels: those of the first pixel, then of the other one. */
static inline int32x4_t multiply(const int8_t *x0, const int8_t *x1, const int8_t *weights,
                                 uint32_t patch) {
    int32_t a0 = 0, a1 = 0, b0 = 0, b1 = 0;
    /* GCC 12 computes the number of rounds each time, and pairs no load with a product. */
    __asm volatile("wls lr, %[chunks], 2f\n"
                   "1:\n\t"
                   "vld20.8 {q0, q1}, [%[weights]]\n\t"
                   "vld21.8 {q0, q1}, [%[weights]]!\n\t"
                   "vldrb.8 q2, [%[x0]], #16\n\t"
                   "vmladava.s8 %[a0], q2, q0\n\t"
                   "vldrb.8 q3, [%[x1]], #16\n\t"
                   "vmladava.s8 %[a1], q2, q1\n\t"
                   "vmladava.s8 %[b0], q3, q0\n\t"
                   "vmladava.s8 %[b1], q3, q1\n\t"
                   "le lr, 1b\n"
                   "2:"
                   : [a0] "+Te"(a0), [a1] "+Te"(a1), [b0] "+Te"(b0), [b1] "+Te"(b1), [x0] "+r"(x0),
                     [x1] "+r"(x1), [weights] "+r"(weights)
                   : [chunks] "r"(patch / CHUNK)
                   : "q0", "q1", "q2", "q3", "lr", "cc", "memory");
    if (patch % CHUNK) {
        int8x16_t w = vldrbq_s8(weights);
        int16x8_t x = vldrbq_s16(x0);
        a0 = vmladavaq_s16(a0, x, vmovlbq_s8(w));
        a1 = vmladavaq_s16(a1, x, vmovltq_s8(w));
        x = vldrbq_s16(x1);
        b0 = vmladavaq_s16(b0, x, vmovlbq_s8(w));
        b1 = vmladavaq_s16(b1, x, vmovltq_s8(w));
    }
    return (int32x4_t){a0, a1, b0, b1};
}

/** Pixels to be done two by two. */
struct pixels {
    const int8_t *patches; /**< One next to the other. */
    int8_t *output;
    int32_t pairs;
    bool apart; /**< Else both pixels of a pair are the same one. */
};

/**
 * The pair of output channels from `first` on, or that one alone. Four sums are requantized at a
 * time: those of two pixels for both channels.
 */
static inline void convolve_pair(const struct conv2d_s8 *op, struct pixels pixels, uint32_t first,
                                 bool alone) {
    const uint32_t next = alone ? 0 : 1;
    const uint32_t channels = (uint32_t)op->output_channels;
    const uint32_t step = pixels.apart ? channels : 0;
    const uint32_t patch = (uint32_t)op->patch;
    const int32_t zero_point = op->output_zero_point;
    const int8_t *weights = op->weights + first * patch;
    const struct channels_mve pair =
        load_channels_mve(op->channels + first, (uint32x4_t){0, next, 0, next});
    const uint32x4_t places = {0, next, step, step + next};
    const int8_t *x = pixels.patches;
    int8_t *place = pixels.output + first;
    for (; pixels.pairs > 0; pixels.pairs--) {
        int32x4_t sums = multiply(x, pixels.apart ? x + patch : x, weights, patch);
        sums = requantize_mve(vaddq_s32(sums, pair.bias), &pair, zero_point);
        sums = saturate_mve(sums);
        if (alone) {
            place[0] = (int8_t)vgetq_lane_s32(sums, 0);
            place[step] = (int8_t)vgetq_lane_s32(sums, 2);
        } else {
            vstrbq_scatter_offset_s32(place, places, sums);
        }
        x += 2 * patch;
        place += 2 * channels;
    }
}

static void convolve_pairs(const struct conv2d_s8 *op, struct pixels pixels) {
    const uint32_t channels = (uint32_t)op->output_channels;
    for (uint32_t first = 0; first + 1 < channels; first += 2) {
        convolve_pair(op, pixels, first, false);
    }
    if (channels % 2) {
        convolve_pair(op, pixels, channels - 1, true);
    }
}

/** All output channels of `count` pixels, whose patches are next to each other. */
static void convolve(const struct conv2d_s8 *op, const int8_t *patches, int8_t *output,
                     int32_t count) {
    convolve_pairs(op, (struct pixels){patches, output, count / 2, true});
    if (count % 2) {
        patches += (count - 1) * op->patch;
        output += (count - 1) * op->output_channels;
        convolve_pairs(op, (struct pixels){patches, output, 1, false});
    }
}

void conv2d_s8(const struct conv2d_s8 *op, const int8_t *input, int8_t *output, int8_t *scratch) {
    int32_t pixels = op->output_height * op->output_width;
    if (op->kernel_height * op->kernel_width * op->stride_height * op->stride_width == 1 &&
        op->patch == op->input_channels) {
        convolve(op, input, output, pixels);
    } else {
        for (int32_t first = 0; first < pixels; first += PIXELS) {
            int32_t count = pixels - first < PIXELS ? pixels - first : PIXELS;
            for (int32_t i = 0; i < count; i++) {
                gather(op, input, first + i, scratch + i * op->patch);
            }
            convolve(op, scratch, output + first * op->output_channels, count);
        }
    }
    clamp_s8(output, pixels * op->output_channels, op->activation_min, op->activation_max);
}
