/* UNIDIRECTIONAL_SEQUENCE_LSTM: the gates of all cells, then the cells, step by step. */
#include "lstm_s8.h"

#include "lstm_gates.h"

static int32_t sum_of(const int8_t *values, const int8_t *weights, int32_t count) {
    int32_t sum = 0;
    for (int32_t i = 0; i < count; i++) {
        sum += values[i] * weights[i];
    }
    return sum;
}

void lstm_s8(const struct lstm_s8 *op, const int8_t *input, int8_t *outputs_before, int8_t *state,
             int8_t *output, int8_t *scratch) {
    int16_t *gates = (int16_t *)(void *)scratch, *cells = (int16_t *)(void *)state;
    for (int32_t step = 0; step < op->steps; step++) {
        for (int32_t i = 0; i < LSTM_GATES * op->cells; i++) {
            gates[i] = into_gate_lstm(
                op, i, sum_of(input, op->input_weights + i * op->inputs, op->inputs),
                sum_of(outputs_before, op->recurrent_weights + i * op->cells, op->cells));
        }
        step_lstm(op, gates, outputs_before, cells, output);
        input += op->inputs;
        output += op->cells;
    }
}
