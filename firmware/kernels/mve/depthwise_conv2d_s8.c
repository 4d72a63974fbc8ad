/*
 * DEPTHWISE_CONV_2D for Helium, eight output channels after the other.
 *
 * Rows of the input are first copied, these channels only, between borders that hold the input's
 * zero point, so that no output knows a border. There is room for as many rows as the kernel has:
 * each row that comes in takes the place of one that is no longer needed. So the kernel's first row
 * is at any place, and the weights are there twice, one kernel after the other: from any row
 * of them at the first place, the following places meet the following rows.
 *
 * Products are 16 bits wide; those of even and of odd channels are added up in 32 bits.
 */
#include "depthwise_conv2d_s8.h"

#include <stdbool.h>

#include "requantize_mve.h"

enum { BLOCK = 8 };

/** Eight output channels; where there are fewer, the last one stands in for those missing. */
struct block {
    struct channels_mve even, odd;
    mve_pred16_t lanes;  /**< The real ones. */
    bool adjacent;       /**< Their input channels are eight, next to each other. */
    uint16x8_t sources;  /**< Their input channels, counted from that of the first one. */
    const int8_t *input; /**< At that channel. */
    int8_t *weights;     /**< [2][kernel_height][kernel_width][BLOCK] */
    int8_t *rows;        /**< [kernel_height][plane_width][BLOCK] */
};

/** Copies row `y` of the input to its place. */
static void place_row(const struct depthwise_conv2d_s8 *op, const struct block *block, int32_t y) {
    const int32_t channels = op->input_channels;
    int32_t columns = op->plane_width - op->pad_left;
    columns = columns < op->input_width ? columns : op->input_width;
    int32_t place = (y + op->pad_top) % op->kernel_height;
    int8_t *row = block->rows + (place * op->plane_width + op->pad_left) * BLOCK;
    const int8_t *input = block->input + y * op->input_width * channels;
    if (y < 0 || y >= op->input_height) {
        for (; columns > 0; columns--, row += BLOCK) {
            vstrbq_s16(row, vdupq_n_s16((int16_t)op->input_zero_point));
        }
    } else if (block->adjacent) {
        for (; columns > 0; columns--, row += BLOCK, input += channels) {
            vstrbq_s16(row, vldrbq_s16(input));
        }
    } else {
        for (; columns > 0; columns--, row += BLOCK, input += channels) {
            vstrbq_s16(row, vldrbq_gather_offset_s16(input, block->sources));
        }
    }
}

/** Adds the products of a kernel; rows of the input are `row` bytes apart. */
static inline int32x4x2_t multiply(int32x4x2_t sums, const int8_t *input, const int8_t *weights,
                                   int32_t row, const struct depthwise_conv2d_s8 *op) {
    for (int32_t y = 0; y < op->kernel_height; y++, input += row) {
        const int8_t *next = input;
        for (int32_t x = 0; x < op->kernel_width; x++, next += BLOCK, weights += BLOCK) {
            int16x8_t values = vldrbq_s16(next);
            int16x8_t taps = vldrbq_s16(weights);
            sums.val[0] = vaddq_s32(sums.val[0], vmullbq_int_s16(values, taps));
            sums.val[1] = vaddq_s32(sums.val[1], vmulltq_int_s16(values, taps));
        }
    }
    return sums;
}

/** The same for 3x3. GCC 12 would keep all eighteen products, in memory, to add them up last. */
static inline int32x4x2_t multiply_3x3(int32x4x2_t sums, const int8_t *input, const int8_t *weights,
                                       int32_t row) {
#define TAP(input_offset, weights_offset)                                                          \
    "vldrb.s16 q0, [%[input], #" #input_offset "]\n\t"                                             \
    "vldrb.s16 q1, [%[weights], #" #weights_offset "]\n\t"                                         \
    "vmullb.s16 q2, q0, q1\n\t"                                                                    \
    "vmullt.s16 q3, q0, q1\n\t"                                                                    \
    "vadd.i32 %q[even], %q[even], q2\n\t"                                                          \
    "vadd.i32 %q[odd], %q[odd], q3\n\t"
#define ROW(first, second, third)                                                                  \
    TAP(0, first) TAP(8, second) TAP(16, third) "add %[input], %[row]\n\t"
    __asm(ROW(0, 8, 16) ROW(24, 32, 40) ROW(48, 56, 64)
          : [even] "+w"(sums.val[0]), [odd] "+w"(sums.val[1]), [input] "+l"(input)
          : [weights] "l"(weights), [row] "r"(row)
          : "q0", "q1", "q2", "q3", "memory");
#undef ROW
#undef TAP
    return sums;
}

/** A row of output pixels; `weights` begin with the kernel's row that meets the first place. */
static inline void convolve_row(const struct depthwise_conv2d_s8 *op, const struct block *block,
                                const int8_t *weights, int8_t *output, bool is_3x3) {
    const int32_t outputs = op->input_channels * op->multiplier;
    const int32_t row = op->plane_width * BLOCK;
    const int8_t *input = block->rows;
    for (int32_t left = op->output_width; left > 0; left--) {
        int32x4x2_t sums = {{block->even.bias, block->odd.bias}};
        if (is_3x3) {
            sums = multiply_3x3(sums, input, weights, row);
        } else {
            sums = multiply(sums, input, weights, row, op);
        }
        int32x4_t even = requantize_mve(sums.val[0], &block->even, op->output_zero_point);
        int32x4_t odd = requantize_mve(sums.val[1], &block->odd, op->output_zero_point);
        int16x8_t both = vqmovnbq_s32(vreinterpretq_s16_s32(even), even);
        both = vqmovntq_s32(both, odd);
        both = vreinterpretq_s16_s8(vqmovnbq_s16(vreinterpretq_s8_s16(both), both));
        vstrbq_p_s16(output, both, block->lanes);
        output += outputs;
        input += op->stride_width * BLOCK;
    }
}

/** Lays out the weights of four channels, which begin at the `offsets`, tap by tap and twice. */
static void place_weights(const int8_t *weights, uint32x4_t offsets, int32_t taps, int8_t *place) {
    for (int32_t tap = 0; tap < taps; tap++, place += BLOCK) {
        int32x4_t lanes = vldrbq_gather_offset_s32(weights + tap, offsets);
        vstrbq_s32(place, lanes);
        vstrbq_s32(place + taps * BLOCK, lanes);
    }
}

/** Prepares the `count` output channels from `first` on. */
static struct block prepare(const struct depthwise_conv2d_s8 *op, const int8_t *input,
                            int32_t first, int32_t count, int8_t *scratch) {
    const int32_t taps = op->kernel_height * op->kernel_width;
    const uint32x4_t last = vdupq_n_u32((uint32_t)count - 1);
    const struct channel_s8 *channels = op->channels + first;
    uint16_t sources[BLOCK];
    for (int32_t i = 0; i < BLOCK; i++) {
        int32_t index = first + (i < count ? i : count - 1);
        sources[i] = (uint16_t)(index / op->multiplier - first / op->multiplier);
    }
    for (uint32_t i = 0; i < BLOCK; i += 4) {
        uint32x4_t indexes = vminq_u32(vidupq_n_u32(i, 1), last);
        place_weights(op->weights + first * taps, vmulq_n_u32(indexes, (uint32_t)taps), taps,
                      scratch + i);
    }
    return (struct block){
        .even = load_channels_mve(channels, vminq_u32(vidupq_n_u32(0, 2), last)),
        .odd = load_channels_mve(channels, vminq_u32(vidupq_n_u32(1, 2), last)),
        .lanes = vctp16q((uint32_t)count),
        .adjacent = count == BLOCK && op->multiplier == 1,
        .sources = vldrhq_u16(sources),
        .input = input + first / op->multiplier,
        .weights = scratch,
        .rows = scratch + 2 * taps * BLOCK,
    };
}

void depthwise_conv2d_s8(const struct depthwise_conv2d_s8 *op, const int8_t *input, int8_t *output,
                         int8_t *scratch) {
    const int32_t height = op->kernel_height;
    const int32_t width = op->kernel_width;
    const int32_t outputs = op->input_channels * op->multiplier;
    int8_t *borders = scratch + 2 * height * width * BLOCK;
    for (int32_t i = 0; i < height * op->plane_width; i++, borders += BLOCK) {
        vstrbq_s16(borders, vdupq_n_s16((int16_t)op->input_zero_point));
    }
    for (int32_t first = 0; first < outputs; first += BLOCK) {
        int32_t count = outputs - first < BLOCK ? outputs - first : BLOCK;
        const struct block block = prepare(op, input, first, count, scratch);
        int8_t *place = output + first;
        int32_t next = 0; /* row to come in, counted from the topmost border */
        for (int32_t y = 0; y < op->output_height; y++) {
            int32_t top = y * op->stride_height;
            for (; next < top + height; next++) {
                place_row(op, &block, next - op->pad_top);
            }
            int32_t turned = height - top % height;
            const int8_t *weights = block.weights + turned * width * BLOCK;
            if (height == 3 && width == 3) {
                convolve_row(op, &block, weights, place, true);
            } else {
                convolve_row(op, &block, weights, place, false);
            }
            place += op->output_width * outputs;
        }
    }
    clamp_s8(output, op->output_height * op->output_width * outputs, op->activation_min,
             op->activation_max);
}
