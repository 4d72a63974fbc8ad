/* Random cases of kernels that work step by step, and keep a state. */
#include <stdlib.h>
#include <string.h>

#include "image.h"
#include "lstm_s8.h"

void portable_lstm_s8(const struct lstm_s8 *op, const int8_t *input, int8_t *outputs_before,
                      int8_t *state, int8_t *output, int8_t *scratch);

enum { GATES = 4, CELLS = 21, INPUTS = 40, BEFORE_AT = 8192, STATE_AT = 12288 };

/** Such as the compiler lets pass: what they make of a sum is below 2^30. */
static void draw_gates(struct channel_s8 *channels, int32_t count, int32_t products) {
    for (int32_t i = 0; i < count; i++) {
        int64_t most;
        do {
            channels[i] = draw_channel(128 * 128 * products);
            most = (int64_t)(abs(channels[i].bias) + 128 * 128 * products) << channels[i].left;
        } while (most >> channels[i].right >= 1 << 30);
    }
}

bool lstm_case(void) {
    static struct channel_s8 recurrent[GATES * CELLS], output;
    static int8_t recurrent_weights[GATES * CELLS * CELLS];
    struct lstm_s8 op = {
        .steps = draw(1, 3),
        .inputs = draw(1, INPUTS),
        .cells = draw(1, CELLS),
        .cell_bits = draw(0, 4),
        .cell_clip = draw(0, 1) ? draw(1, INT16_MAX) : 0,
        .output_zero_point = draw(INT8_MIN, INT8_MAX),
        .recurrent_weights = recurrent_weights,
        .recurrent_channels = recurrent,
        .output = &output,
    };
    const int32_t gates = GATES * op.cells;
    int8_t *weights = weights_buffer(gates * op.inputs);
    fill(weights, gates * op.inputs);
    fill(recurrent_weights, gates * op.cells);
    struct channel_s8 *channels = channels_buffer(gates);
    draw_gates(channels, gates, op.inputs);
    draw_gates(recurrent, gates, op.cells);
    output = (struct channel_s8){.multiplier = draw(INT32_C(1) << 30, INT32_MAX),
                                 .right = (uint8_t)draw(16, 31)};
    op.input_weights = weights;
    op.input_channels = channels;
    const int8_t *input = draw_input(op.steps * op.inputs);
    clear_results();
    fill(portable.output + BEFORE_AT, op.cells);
    fill(portable.output + STATE_AT, 2 * op.cells);
    memcpy(&twin, &portable, sizeof twin);
    portable_lstm_s8(&op, input, portable.output + BEFORE_AT, portable.output + STATE_AT,
                     portable.output + MARGIN, portable.scratch);
    lstm_s8(&op, input, twin.output + BEFORE_AT, twin.output + STATE_AT, twin.output + MARGIN,
            twin.scratch);
    return results_agree(2 * (gates + op.inputs + op.cells));
}
