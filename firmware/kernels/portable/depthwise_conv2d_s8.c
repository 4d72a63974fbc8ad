/*
 * DEPTHWISE_CONV_2D, one channel after the other.
 *
 * A channel is first copied into its own plane, between borders that hold the input's zero
 * point, so that no output knows a border. The plane is folded: a word holds an input of the
 * upper half of the image and, above it (see packed.h), the one that the same tap of the kernel
 * meets in the lower half. So every multiplication serves two outputs.
 */
#include "depthwise_conv2d_s8.h"

#include <stdbool.h>

#include "packed.h"

/** A 3x3 kernel over `half` rows, `step` words apart: `half` upper sums, then the lower ones. */
static void column_3x3(const int32_t *plane, int32_t width, int32_t step, const int8_t *weights,
                       int32_t half, int32_t *sums) {
    int32_t w0 = weights[0], w1 = weights[1], w2 = weights[2];
    int32_t w3 = weights[3], w4 = weights[4], w5 = weights[5];
    int32_t w6 = weights[6], w7 = weights[7], w8 = weights[8];
    for (const int32_t *end = sums + half; sums < end; plane += step) {
        const int32_t *row = plane;
        packed_sums packed = NO_SUMS;
        ADD_PRODUCTS(packed, row[0], w0);
        ADD_PRODUCTS(packed, row[1], w1);
        ADD_PRODUCTS(packed, row[2], w2);
        row += width;
        ADD_PRODUCTS(packed, row[0], w3);
        ADD_PRODUCTS(packed, row[1], w4);
        ADD_PRODUCTS(packed, row[2], w5);
        row += width;
        ADD_PRODUCTS(packed, row[0], w6);
        ADD_PRODUCTS(packed, row[1], w7);
        ADD_PRODUCTS(packed, row[2], w8);
        sums[half] = high_sum(packed);
        *sums++ = low_sum(packed);
    }
}

/** The same for any kernel. */
static void column(const struct depthwise_conv2d_s8 *op, const int32_t *plane, int32_t step,
                   const int8_t *weights, int32_t half, int32_t *sums) {
    /* A kernel of one column is taken for a row whose inputs are further apart. */
    bool narrow = op->kernel_width == 1;
    int32_t rows = narrow ? 1 : op->kernel_height;
    int32_t taps = narrow ? op->kernel_height : op->kernel_width;
    int32_t distance = narrow ? op->plane_width : 1;
    for (const int32_t *end = sums + half; sums < end; plane += step) {
        const int8_t *tap = weights;
        packed_sums packed = NO_SUMS;
        for (int32_t y = 0; y < rows; y++) {
            const int32_t *x = plane + y * op->plane_width;
            for (const int8_t *last = tap + taps; tap < last; x += distance) {
                ADD_PRODUCTS(packed, *x, *tap++);
            }
        }
        sums[half] = high_sum(packed);
        *sums++ = low_sum(packed);
    }
}

/** Requantizes `count` sums; `step` bytes from one output to the next. */
static void store(const struct channel_s8 *channel, int32_t zero_point, const int32_t *sums,
                  int32_t count, int8_t *output, int32_t step) {
    if (channel->careful) {
        const struct channel_s8 own = *channel; /* in registers, as no output can alias it */
        for (; count > 0; count--, output += step) {
            *output = requantize_careful_s8(*sums++, &own, zero_point);
        }
    } else {
        const struct short_s8 quick = short_s8(channel, zero_point);
        for (; count > 0; count--, output += step) {
            *output = requantize_short_s8(*sums++, &quick);
        }
    }
}

/** Copies one channel between the left and right borders of the folded plane. */
static void fold_channel(const struct depthwise_conv2d_s8 *op, const int8_t *channel,
                         int32_t distance, int32_t *plane) {
    const int8_t zero_point = (int8_t)op->input_zero_point;
    int32_t channels = op->input_channels;
    int32_t row_bytes = op->input_width * channels;
    int32_t columns = op->plane_width - op->pad_left;
    columns = columns < op->input_width ? columns : op->input_width;
    plane += op->pad_left;
    int32_t y = -op->pad_top;
    int32_t offset = y * row_bytes;
    for (int32_t rows = op->plane_height; rows > 0; rows--) {
        /* Above and below the image a row is the zero point, over and over. */
        bool low_inside = y >= 0 && y < op->input_height;
        bool high_inside = y + distance >= 0 && y + distance < op->input_height;
        const int8_t *low = low_inside ? channel + offset : &zero_point;
        const int8_t *high = high_inside ? channel + offset + distance * row_bytes : &zero_point;
        int32_t low_step = low_inside ? channels : 0;
        int32_t high_step = high_inside ? channels : 0;
        for (int32_t x = 0; x < columns; x++) {
            plane[x] = pack_high(*low, *high);
            low += low_step;
            high += high_step;
        }
        plane += op->plane_width;
        offset += row_bytes;
        y++;
    }
}

void depthwise_conv2d_s8(const struct depthwise_conv2d_s8 *op, const int8_t *input, int8_t *output,
                         int8_t *scratch) {
    int32_t half = (op->output_height + 1) / 2;
    int32_t *sums = (int32_t *)(void *)scratch;
    int32_t *plane = sums + 2 * half;
    int32_t step = op->stride_height * op->plane_width;
    int32_t outputs = op->input_channels * op->multiplier;
    for (int32_t i = 0; i < op->plane_height * op->plane_width; i++) {
        plane[i] = pack_high(op->input_zero_point, op->input_zero_point);
    }
    for (int32_t index = 0; index < outputs; index++) {
        const int8_t *weights = op->weights + index * op->kernel_height * op->kernel_width;
        if (index % op->multiplier == 0) {
            fold_channel(op, input + index / op->multiplier, half * op->stride_height, plane);
        }
        for (int32_t x = 0; x < op->output_width; x++) {
            const int32_t *top = plane + x * op->stride_width;
            if (op->kernel_height == 3 && op->kernel_width == 3) {
                column_3x3(top, op->plane_width, step, weights, half, sums);
            } else {
                column(op, top, step, weights, half, sums);
            }
            store(&op->channels[index], op->output_zero_point, sums, op->output_height,
                  output + x * outputs + index, op->output_width * outputs);
        }
    }
    clamp_s8(output, op->output_height * op->output_width * outputs, op->activation_min,
             op->activation_max);
}
