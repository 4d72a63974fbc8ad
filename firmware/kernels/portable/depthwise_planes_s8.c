/* DEPTHWISE_CONV_2D on planes of one channel: what it means, one output at a time. */
#include "depthwise_planes_s8.h"

enum { KERNEL = 3, CHANNEL_WORDS = 12, BORDERS = 2 };

/** Copies one channel between its padding, so that outputs may be written over it. */
static void make_plane(const struct depthwise_planes_s8 *op, const int8_t *input, int8_t *plane) {
    for (int32_t i = 0; i < op->output_lines + BORDERS; i++) {
        for (int32_t j = 0; j < op->output_places + BORDERS; j++) {
            int32_t line = i - op->pad_lines, place = j - op->pad_places;
            int inside =
                line >= 0 && line < op->input_lines && place >= 0 && place < op->input_places;
            *plane++ =
                (int8_t)(inside ? input[line * op->input_line_step + place * op->input_place_step]
                                : op->input_zero_point);
        }
    }
}

static int32_t products(const int8_t *x, int32_t width, const int32_t *weights) {
    int32_t sum = 0;
    for (int32_t i = 0; i < KERNEL * KERNEL; i++) {
        sum += x[i / KERNEL * width + i % KERNEL] * weights[i];
    }
    return sum;
}

void depthwise_planes_s8(const struct depthwise_planes_s8 *op, const int8_t *input, int8_t *output,
                         int8_t *scratch) {
    int32_t width = op->output_places + BORDERS;
    for (int32_t channel = 0; channel < op->channels; channel++) {
        const int32_t *words = op->stream + channel * CHANNEL_WORDS;
        const struct channel_s8 facts = {
            .bias = words[0], .multiplier = words[1], .right = (uint8_t)-words[2]};
        make_plane(op, input + channel, scratch);
        for (int32_t line = 0; line < op->output_lines; line++) {
            for (int32_t place = 0; place < op->output_places; place++) {
                int32_t sum = products(scratch + line * width + place, width, words + 3);
                output[channel + line * op->output_line_step + place * op->output_place_step] =
                    requantize_careful_s8(sum, &facts, op->output_zero_point);
            }
        }
    }
    clamp_s8(output, op->output_lines * op->output_places * op->channels, op->activation_min,
             op->activation_max);
}
