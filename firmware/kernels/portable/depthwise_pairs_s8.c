/* DEPTHWISE_CONV_2D with weights in pairs: what it means, one output at a time. */
#include "depthwise_pairs_s8.h"

enum { KERNEL = 3, CHANNEL_WORDS = 9 };

/** Copies one line of a channel, between its padding, for `length` places. */
static void copy_line(const struct depthwise_pairs_s8 *op, const int8_t *input, int32_t line,
                      int8_t *copy, int32_t length) {
    for (int32_t i = 0; i < length; i++) {
        int32_t place = i - op->pad_places;
        int inside = line >= 0 && line < op->input_lines && place >= 0 && place < op->input_places;
        copy[i] = (int8_t)(inside ? input[line * op->input_line_step + place * op->input_place_step]
                                  : op->input_zero_point);
    }
}

/** `x`: the places under the kernel's line; `a`, `b`: its words of weights. */
static int32_t products(const int8_t *x, int32_t a, int32_t b) {
    return x[0] * low_half(a) + x[1] * high_half(a) + x[2] * high_half(b);
}

static void convolve_channel(const struct depthwise_pairs_s8 *op, const int32_t *words,
                             const int8_t *input, int8_t *output, int8_t *scratch) {
    const struct finish_s8 finish = {words[1], words[2], DEPTHWISE_SHIFT};
    int32_t length = (op->output_places - 1) * op->stride + KERNEL;
    for (int32_t line = 0; line < op->output_lines; line++) {
        /* Lines are copied before outputs are written in their place. */
        int32_t first = line * op->stride - op->pad_lines;
        int32_t kept = line > 0 ? KERNEL - op->stride : 0;
        for (int32_t i = 0; i < kept * length; i++) {
            scratch[i] = scratch[op->stride * length + i];
        }
        for (int32_t i = kept; i < KERNEL; i++) {
            copy_line(op, input, first + i, scratch + i * length, length);
        }
        for (int32_t place = 0; place < op->output_places; place++) {
            int32_t sum = words[0];
            for (int32_t i = 0; i < KERNEL; i++) {
                sum +=
                    products(scratch + i * length + place * op->stride, words[3 + i], words[6 + i]);
            }
            output[line * op->output_line_step + place * op->output_place_step] =
                finish_fixed_s8(sum, &finish);
        }
    }
}

void depthwise_pairs_s8(const struct depthwise_pairs_s8 *op, const int8_t *input, int8_t *output,
                        int8_t *scratch) {
    for (int32_t i = 0; i < op->channels; i++) {
        convolve_channel(op, op->stream + i * CHANNEL_WORDS, input + i, output + i, scratch);
    }
    clamp_s8(output, op->output_lines * op->output_places * op->channels, op->activation_min,
             op->activation_max);
}
