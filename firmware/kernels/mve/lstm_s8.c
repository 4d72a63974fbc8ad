/*
 * UNIDIRECTIONAL_SEQUENCE_LSTM for Helium: products sixteen at a time, factors of four gates at a
 * time, and the functions of fixed16.h of eight gates or cells at a time.
 */
#include "lstm_s8.h"

#include "lstm_gates.h"
#include "requantize_mve.h"

enum { CHUNK = 16, LANES = 8, BLOCK = 4 };

static inline int32_t sum_of(const int8_t *values, const int8_t *weights, int32_t count) {
    int32_t sum = 0;
    for (; count > 0; count -= CHUNK, values += CHUNK, weights += CHUNK) {
        mve_pred16_t inside = vctp8q((uint32_t)count);
        sum =
            vmladavaq_p_s8(sum, vldrbq_z_s8(values, inside), vldrbq_z_s8(weights, inside), inside);
    }
    return sum;
}

/** Sums of four gates, rescaled; `weights` are those of the first one. */
static inline int32x4_t rescaled(const int8_t *values, const int8_t *weights, int32_t count,
                                 const struct channel_s8 *channels) {
    int32x4_t sums = {sum_of(values, weights, count), sum_of(values, weights + count, count),
                      sum_of(values, weights + 2 * count, count),
                      sum_of(values, weights + 3 * count, count)};
    const struct channels_mve four = load_channels_mve(channels, vidupq_n_u32(0, 1));
    return requantize_mve(vaddq_s32(sums, four.bias), &four, 0);
}

static inline int32x4_t saturate_s16_mve(int32x4_t value) {
    return vmovlbq_s16(vqmovnbq_s32(vdupq_n_s16(0), value));
}

/** divide_s16 by a power of two that is a constant. */
#define divide_mve(value, shift) vrshrq_n_s16(vaddq_s16(value, vshrq_n_s16(value, 15)), shift)

static inline int16x8_t twice_reciprocal_mve(int16x8_t x) {
    int16x8_t half = vaddq_n_s16(vshrq_n_s16(x, 1), 1 << 14);
    int16x8_t estimate = vaddq_n_s16(vqrdmulhq_n_s16(half, -15420), 23130);
    for (int i = 0; i < 3; i++) {
        int16x8_t error = vsubq_s16(vdupq_n_s16(1 << 13), vqrdmulhq_s16(half, estimate));
        estimate = vaddq_s16(estimate, vshlq_n_s16(vqrdmulhq_s16(estimate, error), 2));
    }
    return estimate;
}

static inline int16x8_t exponential_mve(int16x8_t value, int32_t bits) {
    const int16_t center = 28918, third = 10923;
    int32_t shift = 15 - bits - 2;
    int16_t quarter = (int16_t)(1 << shift);
    int16x8_t rest = vsubq_n_s16(vandq_s16(value, vdupq_n_s16((int16_t)(quarter - 1))), quarter);
    int16x8_t quarters = vshlq_r_s16(vsubq_s16(rest, value), -shift);
    int16x8_t x = vaddq_n_s16(vshlq_r_s16(rest, bits), 1 << 12);
    int16x8_t x2 = vqrdmulhq_s16(x, x), x3 = vqrdmulhq_s16(x2, x), x4 = vqrdmulhq_s16(x2, x2);
    int16x8_t cubic = vqrdmulhq_n_s16(vaddq_s16(divide_mve(x4, 2), x3), third);
    int16x8_t higher = divide_mve(vaddq_s16(cubic, x2), 1);
    int16x8_t result = vqaddq_n_s16(vqrdmulhq_n_s16(vaddq_s16(x, higher), center), center);
    for (int32_t i = 0; i < bits + 2; i++) {
        int16x8_t bit = vandq_s16(quarters, vdupq_n_s16((int16_t)(1 << i)));
        mve_pred16_t there = vcmpneq_n_s16(bit, 0);
        result = vqrdmulhq_m_s16(result, result, vdupq_n_s16(exp_powers_s16[i]), there);
    }
    return result;
}

static inline int16x8_t logistic_mve(int16x8_t value) {
    int16x8_t below = vminq_s16(value, vqnegq_s16(value));
    int16x8_t twice = twice_reciprocal_mve(exponential_mve(below, LSTM_GATE_BITS));
    int16x8_t positive = vqaddq_s16(twice, twice);
    int16x8_t negative = vsubq_s16(vdupq_n_s16(INT16_MAX), positive);
    int16x8_t result = vpselq_s16(positive, negative, vcmpgtq_n_s16(value, 0));
    return vpselq_s16(vdupq_n_s16(1 << 14), result, vcmpeqq_n_s16(value, 0));
}

static inline int16x8_t tanh_mve(int16x8_t value, int32_t bits) {
    int16x8_t below = vminq_s16(value, vqnegq_s16(value));
    int16x8_t twice = twice_reciprocal_mve(exponential_mve(below, bits + 1));
    int16x8_t result = vqshlq_n_s16(vsubq_n_s16(twice, 1 << 13), 2);
    result = vpselq_s16(result, vnegq_s16(result), vcmpgtq_n_s16(value, 0));
    return vpselq_s16(vdupq_n_s16(0), result, vcmpeqq_n_s16(value, 0));
}

static void open_gates(int16_t *gates, int32_t count) {
    for (; count > 0; count -= LANES, gates += LANES) {
        mve_pred16_t inside = vctp16q((uint32_t)count);
        vstrhq_p_s16(gates, logistic_mve(vldrhq_z_s16(gates, inside)), inside);
    }
}

/** tanh of `count` values; both places may be the same. */
static void bend(const int16_t *values, int16_t *made, int32_t count, int32_t bits) {
    for (; count > 0; count -= LANES, values += LANES, made += LANES) {
        mve_pred16_t inside = vctp16q((uint32_t)count);
        vstrhq_p_s16(made, tanh_mve(vldrhq_z_s16(values, inside), bits), inside);
    }
}

void lstm_s8(const struct lstm_s8 *op, const int8_t *input, int8_t *outputs_before, int8_t *state,
             int8_t *output, int8_t *scratch) {
    int16_t *gates = (int16_t *)(void *)scratch, *cells = (int16_t *)(void *)state;
    int32_t inputs = op->inputs, count = op->cells;
    for (int32_t step = 0; step < op->steps; step++) {
        for (int32_t i = 0; i < LSTM_GATES * count; i += BLOCK) {
            int32x4_t into = saturate_s16_mve(
                rescaled(input, op->input_weights + i * inputs, inputs, op->input_channels + i));
            into = vqaddq_s32(into, rescaled(outputs_before, op->recurrent_weights + i * count,
                                             count, op->recurrent_channels + i));
            vstrhq_s32(gates + i, saturate_s16_mve(into));
        }
        open_gates(gates, LSTM_CELL * count);
        bend(gates + LSTM_CELL * count, gates + LSTM_CELL * count, count, LSTM_GATE_BITS);
        open_gates(gates + LSTM_OUTPUT * count, count);
        for (int32_t i = 0; i < count; i++) {
            cells[i] = next_cell_lstm(op, cells[i], gates + i);
        }
        bend(cells, gates, count, op->cell_bits);
        for (int32_t i = 0; i < count; i++) {
            output[i] = output_lstm(op, gates[LSTM_OUTPUT * count + i], gates[i]);
        }
        memcpy(outputs_before, output, (size_t)count);
        input += inputs;
        output += count;
    }
}
