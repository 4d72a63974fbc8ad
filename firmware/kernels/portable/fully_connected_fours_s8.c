/* FULLY_CONNECTED with the weights of four outputs at a time: what it means. */
#include "fully_connected_fours_s8.h"

enum { GROUP = 4, CHUNK = 16 };

static int8_t connect(const struct fully_connected_fours_s8 *op, const int8_t *input,
                      int32_t output) {
    int32_t chunks = (op->inputs + CHUNK - 1) / CHUNK, sum = 0;
    const int8_t *weights = op->weights + output / GROUP * GROUP * chunks * CHUNK;
    const int32_t *finish = op->finish + output / GROUP * op->finish_step + output % GROUP;
    for (int32_t i = 0; i < op->inputs; i++) {
        sum += input[i] * weights[(i / CHUNK * GROUP + output % GROUP) * CHUNK + i % CHUNK];
    }
    const struct channel_s8 facts = {
        .bias = op->biases[output], .multiplier = finish[0], .right = (uint8_t)-finish[GROUP]};
    return requantize_careful_s8(sum, &facts, op->output_zero_point);
}

void fully_connected_fours_s8(const struct fully_connected_fours_s8 *op, const int8_t *input,
                              int8_t *output) {
    for (int32_t row = 0; row < op->rows; row++) {
        for (int32_t i = 0; i < op->outputs; i++) {
            output[row * op->outputs + i] = connect(op, input + row * op->inputs, i);
        }
    }
    clamp_s8(output, op->rows * op->outputs, op->activation_min, op->activation_max);
}
