/* DEPTHWISE_CONV_2D on planes of one channel: what it means, one output at a time. */
#include "depthwise_planes_s8.h"

enum { KERNEL = 3, CHANNEL_WORDS = 12 };

/** Copies one line of a channel, between its padding, for `length` places. */
static void copy_line(const struct depthwise_planes_s8 *op, const int8_t *input, int32_t line,
                      int8_t *copy, int32_t length) {
    for (int32_t i = 0; i < length; i++) {
        int32_t place = i - op->pad_places;
        int inside = line >= 0 && line < op->input_lines && place >= 0 && place < op->input_places;
        copy[i] = (int8_t)(inside ? input[line * op->input_line_step + place * op->input_place_step]
                                  : op->input_zero_point);
    }
}

static int32_t products(const int8_t *x, int32_t length, const int32_t *weights) {
    int32_t sum = 0;
    for (int32_t i = 0; i < KERNEL * KERNEL; i++) {
        sum += x[i / KERNEL * length + i % KERNEL] * weights[i];
    }
    return sum;
}

/** Lines are copied before outputs are written in their place. */
static void convolve_channel(const struct depthwise_planes_s8 *op, const int32_t *words,
                             const int8_t *input, int8_t *output, int8_t *scratch) {
    const struct channel_s8 facts = {
        .bias = words[0], .multiplier = words[1], .right = (uint8_t)-words[2]};
    int32_t length = (op->output_places - 1) * op->stride + KERNEL;
    for (int32_t line = 0; line < op->output_lines; line++) {
        int32_t kept = line > 0 ? KERNEL - op->stride : 0;
        for (int32_t i = 0; i < kept * length; i++) {
            scratch[i] = scratch[op->stride * length + i];
        }
        for (int32_t i = kept; i < KERNEL; i++) {
            copy_line(op, input, line * op->stride - op->pad_lines + i, scratch + i * length,
                      length);
        }
        for (int32_t place = 0; place < op->output_places; place++) {
            int32_t sum = products(scratch + place * op->stride, length, words + 3);
            output[line * op->output_line_step + place * op->output_place_step] =
                requantize_careful_s8(sum, &facts, op->output_zero_point);
        }
    }
}

void depthwise_planes_s8(const struct depthwise_planes_s8 *op, const int8_t *input, int8_t *output,
                         int8_t *scratch) {
    for (int32_t i = 0; i < op->channels; i++) {
        convolve_channel(op, op->stream + i * CHANNEL_WORDS, input + i, output + i, scratch);
    }
    clamp_s8(output, op->output_lines * op->output_places * op->channels, op->activation_min,
             op->activation_max);
}
