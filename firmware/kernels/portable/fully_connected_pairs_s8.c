/* FULLY_CONNECTED with weights in pairs: what it means, four outputs at a time. */
#include "fully_connected_pairs_s8.h"

enum { BLOCK = 4 };

/** Inputs i and i + 2, with zeros behind the last one. */
static uint32_t products(const struct fully_connected_pairs_s8 *op, const int8_t *input, int32_t i,
                         int32_t weights) {
    int32_t x0 = i < op->inputs ? input[i] : 0;
    int32_t x1 = i + 2 < op->inputs ? input[i + 2] : 0;
    return (uint32_t)(x0 * low_half(weights) + x1 * high_half(weights));
}

/** Four outputs; returns the end of what they read of the stream. */
static const int32_t *connect(const struct fully_connected_pairs_s8 *op, const int8_t *input,
                              const int32_t *words, int8_t outputs[BLOCK]) {
    uint32_t sums[BLOCK];
    for (int32_t i = 0; i < BLOCK; i++) {
        sums[i] = (uint32_t)*words++;
    }
    for (int32_t i = 0; i < op->inputs; i += 4) {
        for (int32_t odd = 0; odd < 2; odd++) {
            for (int32_t pair = 0; pair < BLOCK; pair += 2) {
                int32_t both = *words++;
                sums[pair] += products(op, input, i + odd, first_of_shared(both));
                sums[pair + 1] += products(op, input, i + odd, both);
            }
        }
    }
    const int32_t *finish = op->finish ? op->finish : words;
    for (int32_t i = 0; i < BLOCK; i++) {
        uint32_t twice = i % 2 ? (uint32_t)((int32_t)(sums[i] - sums[i - 1]) >> 7) : 2 * sums[i];
        const struct finish_s8 own = {finish[2 * i], finish[2 * i + 1], finish[2 * BLOCK + i]};
        outputs[i] = finish_shifted_s8((int32_t)twice, &own, op->rounding);
    }
    return op->finish ? words : words + 3 * BLOCK;
}

void fully_connected_pairs_s8(const struct fully_connected_pairs_s8 *op, const int8_t *input,
                              int8_t *output, int8_t *scratch) {
    (void)scratch; /* for kernels that widen their inputs */
    for (int32_t row = 0; row < op->rows; row++) {
        const int32_t *words = op->stream;
        for (int32_t first = 0; first < op->outputs; first += BLOCK) {
            int8_t outputs[BLOCK];
            words = connect(op, input + row * op->inputs, words, outputs);
            for (int32_t i = 0; i < BLOCK && first + i < op->outputs; i++) {
                output[row * op->outputs + first + i] = outputs[i];
            }
        }
    }
    clamp_s8(output, op->rows * op->outputs, op->activation_min, op->activation_max);
}
