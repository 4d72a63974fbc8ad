/*
 * DEPTHWISE_CONV_2D, one channel after the other.
 *
 * A channel is copied into a plane of its own, between borders that hold the input's zero point
 * (written once, as they are the same for all channels), so that no output knows a border. The
 * plane is worked off in columns of outputs: going down, a 3x3 kernel needs three new inputs an
 * output, next to each other.
 */
#include "depthwise_conv2d_s8.h"

static inline int32_t pair(int8_t low, int8_t high) {
    return (int32_t)((uint32_t)(uint16_t)low | (uint32_t)(uint16_t)high << 16);
}

/** `count` outputs of a 3x3 kernel with stride 1; `row` is the plane's width. */
static void column_3x3(const int8_t *x, int32_t row, const int8_t *w, int32_t bias, int32_t count,
                       int32_t *sums) {
    int32_t w01 = pair(w[0], w[1]), w34 = pair(w[3], w[4]), w67 = pair(w[6], w[7]);
    int32_t w28 = pair(w[2], w[8]);
    int32_t w5 = w[5];
#define LOW(pair_)  ((int16_t)(pair_))
#define HIGH(pair_) ((int16_t)((pair_) >> 16))
#define TOP(sum)    (sum) + LOW(w01) * a + HIGH(w01) * b + LOW(w28) * c
#define MIDDLE(sum) (sum) + LOW(w34) * a + HIGH(w34) * b + (int16_t)w5 *c
#define BOTTOM(sum) (sum) + LOW(w67) * a + HIGH(w67) * b + HIGH(w28) * c
    int16_t a = x[0], b = x[1], c = x[2];
    int32_t first = TOP(bias), second;
    x += row;
    a = x[0], b = x[1], c = x[2];
    second = TOP(bias);
    first = MIDDLE(first);
    for (; count > 0; count--) {
        x += row;
        a = x[0], b = x[1], c = x[2];
        *sums++ = BOTTOM(first);
        first = MIDDLE(second);
        second = TOP(bias);
    }
}

/** `count` outputs of any kernel; `step` elements of the plane from one to the next. */
static void column(const struct depthwise_conv2d_s8 *op, const int8_t *x, int32_t step,
                   const int8_t *w, int32_t bias, int32_t count, int32_t *sums) {
    for (; count > 0; count--, x += step) {
        int32_t sum = bias;
        const int8_t *tap = w;
        const int8_t *line = x;
        for (int32_t ky = 0; ky < op->kernel_height; ky++, line += op->plane_width) {
            for (int32_t kx = 0; kx < op->kernel_width; kx++) {
                sum += *tap++ * line[kx];
            }
        }
        *sums++ = sum;
    }
}

/** Requantizes `count` sums; `step` bytes from one output to the next. */
static void store(const struct channel_s8 *channel, int32_t zero_point, const int32_t *sums,
                  int32_t count, int8_t *output, int32_t step) {
    const struct channel_s8 own = *channel; /* in registers, as no output can alias it */
    if (own.careful) {
        for (; count > 0; count--, output += step) {
            *output = requantize_careful_s8(*sums++, &own, zero_point);
        }
    } else {
        int32_t rounding = rounding_s8(&own, zero_point);
        for (; count > 0; count--, output += step) {
            *output = requantize_short_s8(*sums++, &own, rounding);
        }
    }
}

/** Copies one channel into the middle of its plane, as far as the kernel reaches. */
static void copy_channel(const struct depthwise_conv2d_s8 *op, const int8_t *input, int8_t *plane) {
    int32_t rows = op->plane_height - op->pad_top;
    int32_t columns = op->plane_width - op->pad_left;
    rows = rows < op->input_height ? rows : op->input_height;
    columns = columns < op->input_width ? columns : op->input_width;
    plane += op->pad_top * op->plane_width + op->pad_left;
    for (int32_t y = 0; y < rows; y++) {
        const int8_t *from = input + y * op->input_width * op->input_channels;
        for (int32_t x = 0; x < columns; x++, from += op->input_channels) {
            plane[x] = *from;
        }
        plane += op->plane_width;
    }
}

void depthwise_conv2d_s8(const struct depthwise_conv2d_s8 *op, const int8_t *input, int8_t *output,
                         int8_t *scratch) {
    int32_t *sums = (int32_t *)(void *)scratch;
    int8_t *plane = scratch + 4 * op->output_height;
    int32_t taps = op->kernel_height * op->kernel_width;
    int32_t output_channels = op->input_channels * op->multiplier;
    for (int32_t i = 0; i < op->plane_height * op->plane_width; i++) {
        plane[i] = (int8_t)op->input_zero_point;
    }
    for (int32_t index = 0; index < output_channels; index++) {
        const struct channel_s8 *channel = &op->channels[index];
        const int8_t *w = op->weights + index * taps;
        if (index % op->multiplier == 0) {
            copy_channel(op, input + index / op->multiplier, plane);
        }
        for (int32_t x = 0; x < op->output_width; x++) {
            const int8_t *top = plane + x * op->stride_width;
            if (op->kernel_height == 3 && op->kernel_width == 3 && op->stride_height == 1) {
                column_3x3(top, op->plane_width, w, channel->bias, op->output_height, sums);
            } else {
                column(op, top, op->stride_height * op->plane_width, w, channel->bias,
                       op->output_height, sums);
            }
            store(channel, op->output_zero_point, sums, op->output_height,
                  output + x * output_channels + index, op->output_width * output_channels);
        }
    }
    clamp_s8(output, op->output_height * op->output_width * output_channels, op->activation_min,
             op->activation_max);
}
