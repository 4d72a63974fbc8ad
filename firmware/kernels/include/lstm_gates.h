/* From sums of products to what a step of an LSTM keeps and gives out: what all its kernels share.
 */
#ifndef TINYHIL_LSTM_GATES_H
#define TINYHIL_LSTM_GATES_H

#include <stdbool.h>
#include <string.h>

#include "fixed16.h"
#include "lstm_s8.h"

enum lstm_gate { LSTM_INPUT, LSTM_FORGET, LSTM_CELL, LSTM_OUTPUT, LSTM_GATES };

enum { LSTM_GATE_BITS = 3 }; /* integer bits of what goes into a gate */

/** What goes into gate `i` of all [4][cells], by the sums of both of its products. */
static inline int16_t into_gate_lstm(const struct lstm_s8 *op, int32_t i, int32_t of_input,
                                     int32_t of_before) {
    int32_t sum = saturate_s16(rescale_s32(of_input, &op->input_channels[i]));
    return (int16_t)saturate_s16(sum + rescale_s32(of_before, &op->recurrent_channels[i]));
}

static inline int16_t next_cell_lstm(const struct lstm_s8 *op, int16_t cell, const int16_t *gate) {
    int32_t kept = divide_s16(gate[LSTM_FORGET * op->cells] * cell, 15);
    int32_t added =
        divide_s16(gate[LSTM_INPUT * op->cells] * gate[LSTM_CELL * op->cells], 15 + op->cell_bits);
    int32_t next = saturate_s16(kept + added);
    if (op->cell_clip > 0) {
        next = next > op->cell_clip ? op->cell_clip : next;
        next = next < -op->cell_clip ? -op->cell_clip : next;
    }
    return (int16_t)next;
}

/** By the output's gate and the cell's tanh. */
static inline int8_t output_lstm(const struct lstm_s8 *op, int32_t gate, int32_t bent) {
    return requantize_careful_s8(gate * bent, op->output, op->output_zero_point);
}

/** Opens the gates, [4][cells], by what goes into them; cells and outputs follow. */
static inline void step_lstm(const struct lstm_s8 *op, int16_t *gates, int8_t *outputs_before,
                             int16_t *cells, int8_t *output) {
    for (int16_t *gate = gates; gate < gates + LSTM_GATES * op->cells; gate++) {
        bool cell = gate >= gates + LSTM_CELL * op->cells && gate < gates + LSTM_OUTPUT * op->cells;
        *gate = (int16_t)(cell ? tanh_s16(*gate, LSTM_GATE_BITS) : logistic_s16(*gate));
    }
    for (int32_t i = 0; i < op->cells; i++) {
        cells[i] = next_cell_lstm(op, cells[i], gates + i);
        int32_t bent = tanh_s16(cells[i], op->cell_bits);
        output[i] = output_lstm(op, gates[LSTM_OUTPUT * op->cells + i], bent);
    }
    memcpy(outputs_before, output, (size_t)op->cells);
}

#endif
