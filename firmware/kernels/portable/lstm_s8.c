/* UNIDIRECTIONAL_SEQUENCE_LSTM: the gates of all cells, then the cells, step by step. */
#include "lstm_s8.h"

#include <string.h>

#include "fixed16.h"

enum { GATES = 4, INPUT = 0, FORGET = 1, CELL = 2, OUTPUT = 3, GATE_BITS = 3 };

static int32_t rescaled_sum(const int8_t *values, const int8_t *weights, int32_t count,
                            const struct channel_s8 *channel) {
    int32_t sum = 0;
    for (int32_t i = 0; i < count; i++) {
        sum += values[i] * weights[i];
    }
    return rescale_s32(sum, channel);
}

/** What all gates let through. */
static void open_gates(const struct lstm_s8 *op, const int8_t *input, const int8_t *before,
                       int16_t *gates) {
    for (int32_t i = 0; i < GATES * op->cells; i++) {
        int32_t sum = saturate_s16(rescaled_sum(input, op->input_weights + i * op->inputs,
                                                op->inputs, &op->input_channels[i]));
        sum = saturate_s16(sum + rescaled_sum(before, op->recurrent_weights + i * op->cells,
                                              op->cells, &op->recurrent_channels[i]));
        gates[i] = (int16_t)(i / op->cells == CELL ? tanh_s16(sum, GATE_BITS) : logistic_s16(sum));
    }
}

static int16_t next_cell(const struct lstm_s8 *op, int16_t cell, const int16_t *gate) {
    int32_t kept = divide_s16(gate[FORGET * op->cells] * cell, 15);
    int32_t added =
        divide_s16(gate[INPUT * op->cells] * gate[CELL * op->cells], 15 + op->cell_bits);
    int32_t next = saturate_s16(kept + added);
    if (op->cell_clip > 0) {
        next = next > op->cell_clip ? op->cell_clip : next;
        next = next < -op->cell_clip ? -op->cell_clip : next;
    }
    return (int16_t)next;
}

void lstm_s8(const struct lstm_s8 *op, const int8_t *input, int8_t *outputs_before, int8_t *state,
             int8_t *output, int8_t *scratch) {
    int16_t *gates = (int16_t *)(void *)scratch, *cells = (int16_t *)(void *)state;
    for (int32_t step = 0; step < op->steps; step++) {
        open_gates(op, input, outputs_before, gates);
        for (int32_t i = 0; i < op->cells; i++) {
            cells[i] = next_cell(op, cells[i], gates + i);
            int32_t product = gates[OUTPUT * op->cells + i] * tanh_s16(cells[i], op->cell_bits);
            output[i] = requantize_careful_s8(product, op->output, op->output_zero_point);
        }
        memcpy(outputs_before, output, (size_t)op->cells);
        input += op->inputs;
        output += op->cells;
    }
}
