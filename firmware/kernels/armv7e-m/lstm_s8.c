/*
 * UNIDIRECTIONAL_SEQUENCE_LSTM: inputs, and the outputs before, are widened once a step, and then
 * multiplied two at a time with the weights of two gates.
 */
#include "lstm_s8.h"

#include "lstm_gates.h"
#include "simd32.h"

/** Values of one step, with their words (0, 2) and (1, 3) of each four. */
struct widened {
    const int8_t *values;
    const pair16 *words;
    int32_t count;
};

static struct widened widen(const int8_t *values, int32_t count, pair16 *words) {
    for (int32_t i = 0; i + 4 <= count; i += 4) {
        bytes4 bytes = load_bytes(values + i);
        words[i / 2] = even_bytes(bytes);
        words[i / 2 + 1] = odd_bytes(bytes);
    }
    return (struct widened){values, words, count};
}

/** Sums of products with two rows of weights, one behind the other. */
static inline void multiply(const struct widened *x, const int8_t *weights, int32_t sums[2]) {
    const pair16 *words = x->words;
    const int8_t *first = weights, *second = weights + x->count;
    int32_t s0 = 0, s1 = 0, left = x->count;
    for (; left >= 4; left -= 4, words += 2, first += 4, second += 4) {
        pair16 x0 = words[0], x1 = words[1];
        bytes4 a = load_bytes(first), b = load_bytes(second);
        s0 = multiply_add(x0, even_bytes(a), s0);
        s0 = multiply_add(x1, odd_bytes(a), s0);
        s1 = multiply_add(x0, even_bytes(b), s1);
        s1 = multiply_add(x1, odd_bytes(b), s1);
    }
    for (const int8_t *value = x->values + x->count - left; left > 0; left--, value++) {
        s0 += *value * *first++;
        s1 += *value * *second++;
    }
    sums[0] = s0;
    sums[1] = s1;
}

void lstm_s8(const struct lstm_s8 *op, const int8_t *input, int8_t *outputs_before, int8_t *state,
             int8_t *output, int8_t *scratch) {
    int16_t *gates = (int16_t *)(void *)scratch, *cells = (int16_t *)(void *)state;
    pair16 *words = (pair16 *)(void *)(gates + LSTM_GATES * op->cells);
    for (int32_t step = 0; step < op->steps; step++) {
        const struct widened x = widen(input, op->inputs, words);
        const struct widened before = widen(outputs_before, op->cells, words + op->inputs / 4 * 2);
        for (int32_t i = 0; i < LSTM_GATES * op->cells; i += 2) {
            int32_t of_input[2], of_before[2];
            multiply(&x, op->input_weights + i * op->inputs, of_input);
            multiply(&before, op->recurrent_weights + i * op->cells, of_before);
            gates[i] = into_gate_lstm(op, i, of_input[0], of_before[0]);
            gates[i + 1] = into_gate_lstm(op, i + 1, of_input[1], of_before[1]);
        }
        step_lstm(op, gates, outputs_before, cells, output);
        input += op->inputs;
        output += op->cells;
    }
}
