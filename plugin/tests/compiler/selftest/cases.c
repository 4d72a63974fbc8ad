/* Random cases of each kernel, laid out as the compiler does it; see the kernels' headers. */
#include "add_s8.h"
#include "conv2d_s8.h"
#include "depthwise_conv2d_s8.h"
#include "fully_connected_s8.h"
#include "image.h"

/* The portable kernels, renamed. */
void portable_add_s8(const struct add_s8 *op, const int8_t *first, const int8_t *second,
                     int8_t *output);
void portable_conv2d_s8(const struct conv2d_s8 *op, const int8_t *input, int8_t *output,
                        int8_t *scratch);
void portable_depthwise_conv2d_s8(const struct depthwise_conv2d_s8 *op, const int8_t *input,
                                  int8_t *output, int8_t *scratch);
void portable_fully_connected_s8(const struct fully_connected_s8 *op, const int8_t *input,
                                 int8_t *output, int8_t *scratch);

/**
 * Weights [padded_channels / group][length][group], zero but for the first `channels` and, in each,
 * the first `used`.
 */
static const int8_t *draw_weights(int32_t channels, int32_t padded_channels, int32_t group,
                                  int32_t used, int32_t length) {
    int32_t count = padded_channels * length;
    int8_t *weights = weights_buffer(count);
    fill(weights, count);
    for (int32_t i = 0; i < count; i++) {
        int32_t channel = i / (length * group) * group + i % group;
        if (channel >= channels || i / group % length >= used) {
            weights[i] = 0;
        }
    }
    return weights;
}

/** Channels whose sums are of `products` products. */
static const struct channel_s8 *draw_channels(int32_t count, int32_t products) {
    struct channel_s8 *channels = channels_buffer(count);
    for (int32_t i = 0; i < count; i++) {
        channels[i] = draw_channel(128 * 128 * products);
    }
    return channels;
}

bool add_case(void) {
    enum { VALUES = 256, LARGEST = 255 << ADD_SHIFT };
    struct add_s8 op = {.elements = draw(1, 200)};
    int32_t table[VALUES];
    for (int32_t i = 0; i < VALUES; i++) {
        table[i] = draw(-LARGEST, LARGEST);
    }
    op.second = table;
    op.channels = channels_buffer(1);
    *channels_buffer(1) = draw_channel(LARGEST + (128 << ADD_SHIFT));
    draw_range(&op.output_zero_point, &op.activation_min, &op.activation_max);
    const int8_t *first = draw_input(op.elements);
    int8_t *second = weights_buffer(op.elements);
    fill(second, op.elements);
    clear_results();
    portable_add_s8(&op, first, second, portable.output + MARGIN);
    add_s8(&op, maybe_in_place(true, first, op.elements), second, twin.output + MARGIN);
    return results_agree(0);
}

bool conv2d_case(void) {
    bool pointwise = draw(0, 2) == 0;
    struct axis y = draw_axis(7, pointwise ? 1 : 5);
    struct axis x = draw_axis(7, pointwise ? 1 : 5);
    struct conv2d_s8 op = {
        .input_height = y.input,
        .input_width = x.input,
        .input_channels = draw(0, 2) ? draw(1, 9) : draw(10, 70),
        .output_height = y.output,
        .output_width = x.output,
        .output_channels = draw(1, 7),
        .kernel_height = y.kernel,
        .kernel_width = x.kernel,
        .stride_height = y.stride,
        .stride_width = x.stride,
        .pad_top = y.pad,
        .pad_left = x.pad,
        .run = 248, /* fits with any weights */
        .input_zero_point = draw(INT8_MIN, INT8_MAX),
    };
    int32_t size = y.kernel * x.kernel * op.input_channels;
    int32_t inputs = y.input * x.input * op.input_channels;
    op.patch = round_up(size, 8);
    op.weights =
        draw_weights(op.output_channels, round_up(op.output_channels, 2), 2, size, op.patch);
    op.channels = draw_channels(op.output_channels, size);
    draw_range(&op.output_zero_point, &op.activation_min, &op.activation_max);
    const int8_t *input = draw_input(inputs);
    clear_results();
    portable_conv2d_s8(&op, input, portable.output + MARGIN, portable.scratch);
    conv2d_s8(&op, input, twin.output + MARGIN, twin.scratch);
    return results_agree(8 * op.patch);
}

bool depthwise_case(void) {
    struct axis y = draw_axis(7, 5);
    struct axis x = draw_axis(7, 5);
    int32_t taps = y.kernel * x.kernel;
    int32_t half = (y.output + 1) / 2;
    struct depthwise_conv2d_s8 op = {
        .input_height = y.input,
        .input_width = x.input,
        .input_channels = draw(1, 20),
        .output_height = y.output,
        .output_width = x.output,
        .multiplier = draw(0, 1) ? 1 : draw(2, 4),
        .kernel_height = y.kernel,
        .kernel_width = x.kernel,
        .stride_height = y.stride,
        .stride_width = x.stride,
        .pad_top = y.pad,
        .pad_left = x.pad,
        .plane_height = (half - 1) * y.stride + y.kernel,
        .plane_width = (x.output - 1) * x.stride + x.kernel,
        .input_zero_point = draw(INT8_MIN, INT8_MAX),
    };
    int32_t outputs = op.input_channels * op.multiplier;
    int32_t inputs = y.input * x.input * op.input_channels;
    op.weights = draw_weights(outputs, outputs, 1, taps, taps);
    op.channels = draw_channels(outputs, taps);
    draw_range(&op.output_zero_point, &op.activation_min, &op.activation_max);
    const int8_t *input = draw_input(inputs);
    clear_results();
    portable_depthwise_conv2d_s8(&op, input, portable.output + MARGIN, portable.scratch);
    depthwise_conv2d_s8(&op, input, twin.output + MARGIN, twin.scratch);
    int32_t folded = 8 * half + 4 * op.plane_height * op.plane_width;
    int32_t rows = 8 * y.kernel * (2 * x.kernel + op.plane_width);
    return results_agree(folded > rows ? folded : rows);
}

bool fully_connected_case(void) {
    struct fully_connected_s8 op = {
        .rows = draw(1, 3), .inputs = draw(1, 70), .outputs = draw(1, 13)};
    int32_t inputs = round_up(op.inputs, 8);
    op.weights = draw_weights(op.outputs, round_up(op.outputs, 4), 2, op.inputs, inputs);
    op.channels = draw_channels(op.outputs, op.inputs);
    draw_range(&op.output_zero_point, &op.activation_min, &op.activation_max);
    const int8_t *input = draw_input(op.rows * op.inputs);
    clear_results();
    portable_fully_connected_s8(&op, input, portable.output + MARGIN, portable.scratch);
    fully_connected_s8(&op, input, twin.output + MARGIN, twin.scratch);
    return results_agree(2 * inputs);
}
