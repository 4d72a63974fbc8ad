/*
 * DEPTHWISE_CONV_2D for Helium, eight output channels after the other.
 *
 * Products are 16 bits wide; those of even and of odd channels are added up in 32 bits, in a
 * vector each. The weights of the eight channels are first laid out tap by tap.
 */
#include "depthwise_conv2d_s8.h"

#include <stdbool.h>

#include "requantize_mve.h"

enum { BLOCK = 8 };

/** Eight output channels. */
struct block {
    struct channels_mve even_channels, odd_channels;
    struct range_mve range;
    const int8_t *weights; /**< [taps][BLOCK] */
    uint16x8_t sources;    /**< Input channel of each, from that of the first one on. */
    mve_pred16_t outputs;  /**< Those that there are. */
    bool adjacent;         /**< There are eight, each with an input channel of its own. */
};

/** Products of eight channels so far. */
struct sums {
    int32x4_t even, odd;
};

/** One input for all eight, wherever the kernel hangs over the edge. */
static inline struct sums add_padding(struct sums sums, const int8_t *weights, int32_t count,
                                      int32_t zero_point) {
    const int16x8_t x = vdupq_n_s16((int16_t)zero_point);
    for (; count > 0; count--, weights += BLOCK) {
        int16x8_t w = vldrbq_s16(weights);
        sums.even = vaddq_s32(sums.even, vmullbq_int_s16(x, w));
        sums.odd = vaddq_s32(sums.odd, vmulltq_int_s16(x, w));
    }
    return sums;
}

/** `count` inputs next to each other. */
static inline struct sums add_inputs(struct sums sums, const struct block *block,
                                     const int8_t *weights, int32_t count, const int8_t *inputs,
                                     int32_t channels, bool adjacent) {
    for (; count > 0; count--, weights += BLOCK, inputs += channels) {
        int16x8_t x =
            adjacent ? vldrbq_s16(inputs) : vldrbq_gather_offset_s16(inputs, block->sources);
        int16x8_t w = vldrbq_s16(weights);
        sums.even = vaddq_s32(sums.even, vmullbq_int_s16(x, w));
        sums.odd = vaddq_s32(sums.odd, vmulltq_int_s16(x, w));
    }
    return sums;
}

/** A row of output pixels. */
static inline void convolve_row(const struct depthwise_conv2d_s8 *op, const struct block *block,
                                const int8_t *input, int32_t top, int8_t *output, bool adjacent) {
    int32_t left = -op->pad_left;
    for (int32_t x = 0; x < op->output_width; x++, left += op->stride_width) {
        int32_t skipped = left < 0 ? -left : 0;
        int32_t reach = op->input_width - left;
        int32_t inside = (reach < op->kernel_width ? reach : op->kernel_width) - skipped;
        inside = inside > 0 ? inside : 0;
        int32_t behind = op->kernel_width - skipped - inside;
        const int8_t *weights = block->weights;
        struct sums sums = {vdupq_n_s32(0), vdupq_n_s32(0)};
        for (int32_t y = top; y < top + op->kernel_height; y++) {
            if (y < 0 || y >= op->input_height) {
                sums = add_padding(sums, weights, op->kernel_width, op->input_zero_point);
            } else {
                const int8_t *row =
                    input + (y * op->input_width + left + skipped) * op->input_channels;
                sums = add_padding(sums, weights, skipped, op->input_zero_point);
                sums = add_inputs(sums, block, weights + skipped * BLOCK, inside, row,
                                  op->input_channels, adjacent);
                sums = add_padding(sums, weights + (skipped + inside) * BLOCK, behind,
                                   op->input_zero_point);
            }
            weights += op->kernel_width * BLOCK;
        }
        int32x4_t even = requantize_channels_mve(sums.even, &block->even_channels, &block->range);
        int32x4_t odd = requantize_channels_mve(sums.odd, &block->odd_channels, &block->range);
        int16x8_t both = vmovntq_s32(vreinterpretq_s16_s32(even), odd);
        vstrbq_p_s16(output, both, block->outputs);
        output += op->input_channels * op->multiplier;
    }
}

/** Prepares the `count` output channels from `first` on; `laid_out` is filled with their weights.
 */
static struct block prepare(const struct depthwise_conv2d_s8 *op, int32_t first, int32_t count,
                            int8_t *laid_out) {
    const struct channel_s8 *channels = op->channels + first;
    int32_t taps = op->kernel_height * op->kernel_width;
    uint16_t sources[BLOCK];
    for (int32_t i = 0; i < BLOCK; i++) {
        int32_t index = first + (i < count ? i : 0); /* any but one that does not exist */
        const int8_t *weights = op->weights + index * taps;
        for (int32_t tap = 0; tap < taps; tap++) {
            laid_out[tap * BLOCK + i] = weights[tap];
        }
        sources[i] = (uint16_t)(index / op->multiplier - first / op->multiplier);
    }
    return (struct block){
        .even_channels = load_channels_mve(channels, 2, vctp32q((uint32_t)(count + 1) / 2)),
        .odd_channels = load_channels_mve(channels + 1, 2, vctp32q((uint32_t)count / 2)),
        .range = {op->output_zero_point, op->activation_min, op->activation_max},
        .weights = laid_out,
        .sources = vldrhq_u16(sources),
        .outputs = vctp16q((uint32_t)count),
        .adjacent = count == BLOCK && op->multiplier == 1,
    };
}

void depthwise_conv2d_s8(const struct depthwise_conv2d_s8 *op, const int8_t *input, int8_t *output,
                         int8_t *scratch) {
    int32_t outputs = op->input_channels * op->multiplier;
    for (int32_t first = 0; first < outputs; first += BLOCK) {
        int32_t count = outputs - first < BLOCK ? outputs - first : BLOCK;
        struct block block = prepare(op, first, count, scratch);
        const int8_t *source = input + first / op->multiplier;
        int8_t *result = output + first;
        int32_t top = -op->pad_top;
        for (int32_t y = 0; y < op->output_height; y++, top += op->stride_height) {
            if (block.adjacent) {
                convolve_row(op, &block, source, top, result, true);
            } else {
                convolve_row(op, &block, source, top, result, false);
            }
            result += op->output_width * outputs;
        }
    }
}
