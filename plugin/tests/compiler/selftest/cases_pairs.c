/*
 * Random cases of the kernels for pairs. Any words do as weights and constants: what the compiler
 * proves is how they come from a model, not what the kernels make of them.
 */
#include "avg_pool_s8.h"
#include "conv2d_pairs_s8.h"
#include "depthwise_pairs_s8.h"
#include "fully_connected_pairs_s8.h"
#include "image.h"

/* The portable kernels, renamed. */
void portable_avg_pool_s8(const struct avg_pool_s8 *op, const int8_t *input, int8_t *output);
void portable_conv2d_pairs_s8(const struct conv2d_pairs_s8 *op, const int8_t *input, int8_t *output,
                              int8_t *scratch);
void portable_depthwise_pairs_s8(const struct depthwise_pairs_s8 *op, const int8_t *input,
                                 int8_t *output, int8_t *scratch);
void portable_fully_connected_pairs_s8(const struct fully_connected_pairs_s8 *op,
                                       const int8_t *input, int8_t *output, int8_t *scratch);

enum { LARGEST = INT32_C(1) << 29, SMALL = INT32_C(1) << 18 };

static int32_t *words_buffer(int32_t count) {
    return (int32_t *)(void *)weights_buffer(4 * count);
}

static int32_t *draw_weights(int32_t *words, int32_t count) {
    bool extreme = draw(0, 7) == 0;
    for (int32_t i = 0; i < count; i++) {
        words[i] = extreme ? (draw(0, 1) ? 0x7f7f7f7f : (int32_t)0x80008000)
                           : draw(INT32_MIN / 2, INT32_MAX / 2) * 2 + draw(0, 1);
    }
    return words + count;
}

static int32_t *draw_starts(int32_t *words, int32_t count) {
    for (int32_t i = 0; i < count; i++) {
        words[i] = draw(0, 1) ? draw(-LARGEST, LARGEST) : draw(-SMALL, SMALL);
    }
    return words + count;
}

/** Multipliers, some of them small so that outputs vary, and addends. */
static int32_t *draw_finish(int32_t *words, int32_t count) {
    for (int32_t i = 0; i < count; i++) {
        words[2 * i] = draw(0, INT32_MAX) >> draw(0, 12);
        words[2 * i + 1] = draw(-SMALL, SMALL);
    }
    return words + 2 * count;
}

static int32_t *draw_shifts(int32_t *words, int32_t count) {
    for (int32_t i = 0; i < count; i++) {
        words[i] = draw(0, 22);
    }
    return words + count;
}

/** Clears the weights behind the end of a row, as the compiler does. */
static void clear_ends(const struct conv2d_pairs_s8 *op, int32_t *words) {
    int32_t channels = op->bytes ? 1 : 2;
    for (int32_t i = 0; i < op->kernel_height * op->row; i++) {
        if (i % op->row >= op->kernel_width * op->input_channels) {
            for (int32_t channel = 0; channel < channels; channel++) {
                words[(i / 4 * 2 + i % 2) * channels + channel] &=
                    i % 4 < 2 ? (int32_t)0xffff0000u : 0xffff;
            }
        }
    }
}

bool conv2d_pairs_case(void) {
    bool pointwise = draw(0, 2) == 0;
    struct axis y = draw_axis(8, pointwise ? 1 : 5);
    struct axis x = draw_axis(8, pointwise ? 1 : 5);
    int32_t zero_point;
    struct conv2d_pairs_s8 op = {
        .input_height = y.input,
        .input_width = x.input,
        .input_channels = draw(0, 1) ? 4 * draw(1, 10) : draw(1, 9),
        .output_height = y.output,
        .output_width = x.output,
        .output_channels = 2 * draw(1, 4),
        .kernel_height = y.kernel,
        .kernel_width = x.kernel,
        .stride_height = y.stride,
        .stride_width = x.stride,
        .pad_top = y.pad,
        .pad_left = x.pad,
        .bytes = draw(0, 1),
        .rounding = draw(ROUND_FIXED, ROUND_SIGNED),
        .input_zero_point = draw(INT8_MIN, INT8_MAX),
    };
    if (draw(0, 1) && op.input_channels % 4 == 0) {
        op.output_channels = op.input_channels;
    }
    op.row = round_up(x.kernel * op.input_channels, 4);
    draw_range(&zero_point, &op.activation_min, &op.activation_max);
    int32_t patch = y.kernel * op.row, weights = op.bytes ? patch / 2 : patch;
    int32_t each = 2 + weights + (op.rounding == ROUND_FIXED ? 4 : 6);
    int32_t *words = words_buffer(each * op.output_channels / 2);
    op.stream = words;
    int32_t longer = op.row > op.output_channels ? op.row : op.output_channels;
    int32_t used = round_up(6 * patch + op.row + 3 * longer, 4);
    int32_t stream = 2 * each * op.output_channels;
    op.staged = draw(0, 1) && used + stream <= SCRATCH_BYTES ? stream : 0;
    for (int32_t i = 0; i < op.output_channels; i += 2) {
        int32_t *first = draw_starts(words, 2);
        words = draw_finish(draw_weights(first, weights), 2);
        clear_ends(&op, first);
        words = op.rounding == ROUND_FIXED ? words : draw_shifts(words, 2);
    }
    int32_t inputs = y.input * x.input * op.input_channels;
    const int8_t *input = draw_input(inputs);
    clear_results();
    bool same = op.row == op.input_channels && op.input_channels == op.output_channels &&
                y.kernel * x.kernel * y.stride * x.stride == 1;
    portable_conv2d_pairs_s8(&op, input, portable.output + MARGIN, portable.scratch);
    conv2d_pairs_s8(&op, maybe_in_place(same, input, inputs), twin.output + MARGIN, twin.scratch);
    return results_agree(used + op.staged);
}

bool depthwise_pairs_case(void) {
    struct axis y, x;
    do {
        y = draw_axis(13, 3);
        x = draw_axis(9, 3);
    } while (y.kernel < 3 || x.kernel < 3 || y.stride > 2 || x.stride != y.stride ||
             (y.stride == 1 && x.output < 2) || y.pad > 1 || x.pad > 1);
    int32_t group = 2 * draw(1, 2), channels = group * draw(1, 4), zero_point;
    struct depthwise_pairs_s8 op = {
        .channels = channels,
        .group = group,
        .input_lines = y.input,
        .input_places = x.input,
        .output_lines = y.output,
        .output_places = x.output,
        .input_line_step = x.input * channels,
        .input_place_step = channels,
        .output_line_step = x.output * channels,
        .output_place_step = channels,
        .pad_lines = y.pad,
        .pad_places = x.pad,
        .stride = y.stride,
        .words = y.stride == 1 ? (x.output + 1) / 2 + 1 : x.output + 1,
        .band = draw(1, y.output),
        .input_zero_point = draw(INT8_MIN, INT8_MAX),
    };
    bool upright = draw(0, 1); /* columns are lines */
    if (upright) {
        op.input_line_step = op.output_line_step = channels;
        op.input_place_step = y.input * channels;
        op.output_place_step = y.output * channels;
    }
    draw_range(&zero_point, &op.activation_min, &op.activation_max);
    int32_t *words = words_buffer(9 * channels);
    op.stream = words;
    for (int32_t i = 0; i < channels; i++) {
        words = draw_weights(draw_finish(draw_starts(words, 1), 1), 6);
    }
    /* A kernel's middle weights are in both words of a line. */
    for (int32_t *word = words - 9 * channels; word < words; word += 9) {
        for (int32_t line = 3; line < 6; line++) {
            word[line + 3] = (int32_t)((uint32_t)word[line + 3] & 0xffff0000u) |
                             (int32_t)((uint32_t)word[line] >> 16);
        }
    }
    int32_t inputs = y.input * x.input * channels;
    const int8_t *input = draw_input(inputs);
    clear_results();
    bool same = y.input == y.output && x.input == x.output;
    bool possible = op.stride == 1 ? same : !upright;
    portable_depthwise_pairs_s8(&op, input, portable.output + MARGIN, portable.scratch);
    const int8_t *from = maybe_in_place(possible, input, inputs);
    depthwise_pairs_s8(&op, from, twin.output + MARGIN, twin.scratch);
    forget_input(from, inputs, y.output * x.output * channels);
    return results_agree(4 * group * op.words * ((op.band - 1) * op.stride + 3));
}

bool fully_connected_pairs_case(void) {
    struct fully_connected_pairs_s8 op = {.rows = draw(1, 3),
                                          .inputs = draw(0, 1) ? draw(1, 9) : draw(10, 150),
                                          .outputs = draw(1, 13),
                                          .direct = draw(0, 1),
                                          .rounding = draw(ROUND_SHIFTED, ROUND_SIGNED)};
    op.inputs = op.direct ? round_up(op.inputs, 4) : op.inputs;
    int32_t zero_point, padded = round_up(op.inputs, 4), blocks = (op.outputs + 3) / 4;
    draw_range(&zero_point, &op.activation_min, &op.activation_max);
    int32_t finish[12];
    bool one_for_all = draw(0, 1);
    if (one_for_all) {
        draw_shifts(draw_finish(finish, 4), 4);
        op.finish = finish;
    }
    int32_t *words = words_buffer(blocks * (4 + padded + (one_for_all ? 0 : 12)));
    op.stream = words;
    for (int32_t i = 0; i < blocks; i++) {
        words = draw_weights(draw_starts(words, 4), padded);
        words = one_for_all ? words : draw_shifts(draw_finish(words, 4), 4);
    }
    const int8_t *input = draw_input(op.rows * op.inputs);
    clear_results();
    portable_fully_connected_pairs_s8(&op, input, portable.output + MARGIN, portable.scratch);
    fully_connected_pairs_s8(&op, input, twin.output + MARGIN, twin.scratch);
    return results_agree(op.direct ? 0 : 2 * padded);
}

bool avg_pool_case(void) {
    struct axis y = draw_axis(20, 18);
    struct axis x = draw_axis(20, 18);
    struct avg_pool_s8 op = {.input_height = y.input,
                             .input_width = x.input,
                             .channels = draw(1, 13),
                             .output_height = y.output,
                             .output_width = x.output,
                             .kernel_height = y.kernel,
                             .kernel_width = x.kernel,
                             .stride_height = y.stride,
                             .stride_width = x.stride,
                             .pad_top = y.pad,
                             .pad_left = x.pad};
    int32_t zero_point, inputs = y.input * x.input * op.channels;
    draw_range(&zero_point, &op.activation_min, &op.activation_max);
    const int8_t *input = draw_input(inputs);
    clear_results();
    portable_avg_pool_s8(&op, input, portable.output + MARGIN);
    avg_pool_s8(&op, input, twin.output + MARGIN);
    return results_agree(0);
}
