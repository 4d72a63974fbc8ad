/* UNIDIRECTIONAL_SEQUENCE_LSTM: int8 in and out, cells of int16. */
#ifndef TINYHIL_LSTM_S8_H
#define TINYHIL_LSTM_S8_H

#include "requantize.h"

/** The four gates are in this order: input, forget, cell, output. */
struct lstm_s8 {
    int32_t steps, inputs, cells;
    int32_t cell_bits; /**< Integer bits of a cell. */
    int32_t cell_clip; /**< Cells are kept within this; 0: they are not. */
    int32_t output_zero_point;
    const int8_t *input_weights;                                  /**< [4][cells][inputs] */
    const int8_t *recurrent_weights;                              /**< [4][cells][cells] */
    const struct channel_s8 *input_channels, *recurrent_channels; /**< [4][cells] */
    const struct channel_s8 *output; /**< [1]: from a gate times a cell to an output */
};

/**
 * `outputs_before` [cells] and `state`, which holds `cells` numbers of 16 bits, are kept between
 * calls. `scratch` has room for four times as many, and for Armv7E-M for as many numbers of 16 bits
 * as there are inputs and cells. All three are aligned to 4.
 */
void lstm_s8(const struct lstm_s8 *op, const int8_t *input, int8_t *outputs_before, int8_t *state,
             int8_t *output, int8_t *scratch);

#endif
