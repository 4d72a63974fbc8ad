/* Random cases of the kernels for vectors. */
#include "conv2d_fours_s8.h"
#include "depthwise_planes_s8.h"
#include "fully_connected_fours_s8.h"
#include "image.h"

/* The portable kernels, renamed. */
void portable_conv2d_fours_s8(const struct conv2d_fours_s8 *op, const int8_t *input, int8_t *output,
                              int8_t *scratch);
void portable_depthwise_planes_s8(const struct depthwise_planes_s8 *op, const int8_t *input,
                                  int8_t *output, int8_t *scratch);
void portable_fully_connected_fours_s8(const struct fully_connected_fours_s8 *op,
                                       const int8_t *input, int8_t *output);

enum { GROUP = 4, CHUNK = 16 };

/** A bias, a multiplier and a negative right shift, such as the compiler lets pass; `step` words
 * apart. */
static void draw_finish(int32_t *words, int32_t step, int32_t products) {
    struct channel_s8 channel;
    do {
        channel = draw_channel(128 * 128 * products);
    } while (channel.left > 0);
    words[0] = channel.bias;
    words[step] = channel.multiplier;
    words[2 * step] = -channel.right;
}

/** The range of outputs, and whether there are some below the zero point. */
static int32_t draw_signed(int32_t *zero_point, int32_t *lowest, int32_t *highest) {
    draw_range(zero_point, lowest, highest);
    if (draw(0, 1)) {
        *zero_point = *lowest;
    }
    return *zero_point > *lowest;
}

bool conv2d_fours_case(void) {
    bool pointwise = draw(0, 2) == 0;
    struct axis y = draw_axis(7, pointwise ? 1 : 5);
    struct axis x = draw_axis(7, pointwise ? 1 : 5);
    struct conv2d_fours_s8 op = {
        .input_height = y.input,
        .input_width = x.input,
        .input_channels = draw(0, 2) ? 8 * draw(1, 4) : draw(1, 20),
        .output_height = y.output,
        .output_width = x.output,
        .output_channels = GROUP * draw(1, 4),
        .kernel_height = y.kernel,
        .kernel_width = x.kernel,
        .stride_height = y.stride,
        .stride_width = x.stride,
        .pad_top = y.pad,
        .pad_left = x.pad,
        .input_zero_point = draw(INT8_MIN, INT8_MAX),
    };
    int32_t size = y.kernel * x.kernel * op.input_channels;
    int32_t inputs = y.input * x.input * op.input_channels;
    op.direct = y.kernel * x.kernel * y.stride * x.stride == 1 && draw(0, 1);
    op.patch = round_up(size, CHUNK);
    op.is_signed = draw_signed(&op.output_zero_point, &op.activation_min, &op.activation_max);
    int32_t finish[3 * GROUP * GROUP];
    for (int32_t i = 0; i < op.output_channels; i++) {
        draw_finish(finish + i / GROUP * 3 * GROUP + i % GROUP, GROUP, size);
    }
    op.finish = finish;
    int8_t *weights = weights_buffer(op.output_channels * op.patch);
    fill(weights, op.output_channels * op.patch);
    for (int32_t i = 0; i < op.output_channels * op.patch; i++) {
        int32_t place = i / (GROUP * CHUNK) * CHUNK % op.patch + i % CHUNK;
        weights[i] = place < size ? weights[i] : 0;
    }
    op.weights = weights;
    const int8_t *input = draw_input(inputs);
    clear_results();
    portable_conv2d_fours_s8(&op, input, portable.output + MARGIN, portable.scratch);
    conv2d_fours_s8(&op, input, twin.output + MARGIN, twin.scratch);
    return results_agree(8 * op.patch);
}

bool depthwise_planes_case(void) {
    struct axis y, x;
    do {
        y = draw_axis(13, 3);
        x = draw_axis(13, 3);
    } while (y.kernel < 3 || x.kernel < 3 || y.stride > 2 || x.stride != y.stride || y.pad > 1 ||
             x.pad > 1);
    int32_t channels = draw(1, 9), inputs = y.input * x.input * channels;
    struct depthwise_planes_s8 op = {
        .channels = channels,
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
        .width = y.stride == 1 ? x.output + 2 : round_up(x.output, 4) * 3,
        .band = y.stride == 1 ? y.output : draw(1, y.output),
        .input_zero_point = draw(INT8_MIN, INT8_MAX),
    };
    bool upright = draw(0, 1); /* columns are lines */
    if (upright) {
        op.input_line_step = op.output_line_step = channels;
        op.input_place_step = y.input * channels;
        op.output_place_step = y.output * channels;
    }
    op.is_signed = draw_signed(&op.output_zero_point, &op.activation_min, &op.activation_max);
    int32_t *words = (int32_t *)(void *)weights_buffer(4 * 12 * channels);
    op.stream = words;
    for (int32_t i = 0; i < channels; i++, words += 12) {
        draw_finish(words, 1, 9);
        for (int32_t tap = 3; tap < 12; tap++) {
            words[tap] = draw(INT8_MIN, INT8_MAX);
        }
    }
    const int8_t *input = draw_input(inputs);
    clear_results();
    portable_depthwise_planes_s8(&op, input, portable.output + MARGIN, portable.scratch);
    bool same = y.input == y.output && x.input == x.output;
    bool possible = op.stride == 1 ? same : !upright;
    const int8_t *from = maybe_in_place(possible, input, inputs);
    depthwise_planes_s8(&op, from, twin.output + MARGIN, twin.scratch);
    forget_input(from, inputs, y.output * x.output * channels);
    return results_agree(round_up(((op.band - 1) * op.stride + 3) * op.width, CHUNK));
}

bool fully_connected_fours_case(void) {
    struct fully_connected_fours_s8 op = {
        .rows = draw(1, 3), .inputs = draw(1, 70), .outputs = draw(1, 13)};
    int32_t padded = round_up(op.inputs, CHUNK);
    int32_t groups = (op.outputs + GROUP - 1) / GROUP;
    op.is_signed = draw_signed(&op.output_zero_point, &op.activation_min, &op.activation_max);
    op.finish_step = draw(0, 1) ? 2 * GROUP : 0;
    int32_t biases[GROUP * GROUP], finish[2 * GROUP * GROUP];
    for (int32_t i = 0; i < groups * GROUP; i++) {
        int32_t drawn[3];
        draw_finish(drawn, 1, op.inputs);
        biases[i] = drawn[0];
        finish[i / GROUP * 2 * GROUP + i % GROUP] = drawn[1];
        finish[i / GROUP * 2 * GROUP + GROUP + i % GROUP] = drawn[2];
    }
    op.biases = biases;
    op.finish = finish;
    int8_t *weights = weights_buffer(groups * GROUP * padded);
    fill(weights, groups * GROUP * padded);
    op.weights = weights;
    const int8_t *input = draw_input(op.rows * op.inputs);
    clear_results();
    portable_fully_connected_fours_s8(&op, input, portable.output + MARGIN);
    fully_connected_fours_s8(&op, input, twin.output + MARGIN);
    return results_agree(0);
}
