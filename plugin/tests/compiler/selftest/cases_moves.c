/* Kernels that choose among numbers, or move them. */
#include "image.h"
#include "max_pool_s8.h"
#include "transpose_s8.h"

void portable_max_pool_s8(const struct max_pool_s8 *op, const int8_t *input, int8_t *output);
void portable_transpose_s8(const struct transpose_s8 *op, const int8_t *input, int8_t *output);

bool max_pool_case(void) {
    struct axis y = draw_axis(12, 5);
    struct axis x = draw_axis(12, 5);
    struct max_pool_s8 op = {.input_height = y.input,
                             .input_width = x.input,
                             .channels = draw(1, 37),
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
    portable_max_pool_s8(&op, input, portable.output + MARGIN);
    max_pool_s8(&op, input, twin.output + MARGIN);
    return results_agree(0);
}

/** Axes in any order, of bytes or of pairs of them. */
bool transpose_case(void) {
    int32_t size[4], step[4], order[4] = {0, 1, 2, 3}, item = draw(1, 2), count = item;
    for (int32_t axis = 3; axis >= 0; axis--) {
        size[axis] = draw(1, axis < 2 ? 3 : 14);
        step[axis] = count;
        count *= size[axis];
    }
    for (int32_t i = 3; i > 0; i--) {
        int32_t other = draw(0, i), kept = order[i];
        order[i] = order[other];
        order[other] = kept;
    }
    const struct transpose_s8 op = {
        .size_0 = size[order[0]],
        .size_1 = size[order[1]],
        .size_2 = size[order[2]],
        .size_3 = size[order[3]],
        .step_0 = step[order[0]],
        .step_1 = step[order[1]],
        .step_2 = step[order[2]],
        .step_3 = step[order[3]],
        .item = item,
    };
    const int8_t *input = draw_input(count);
    clear_results();
    portable_transpose_s8(&op, input, portable.output + MARGIN);
    transpose_s8(&op, input, twin.output + MARGIN);
    return results_agree(0);
}
