/*
 * AVERAGE_POOL_2D, four channels at a time: their sums are in two words, as long as a window has no
 * more than 256 elements, whose sum fits into 16 bits.
 */
#include "avg_pool_s8.h"

#include "requantize.h"
#include "simd32.h"
#include "window.h"

enum { GROUP = 4, LARGEST = 256 };

/** sum / count, halves away from zero. */
static inline int8_t mean(int32_t sum, int32_t count) {
    return (int8_t)((sum > 0 ? sum + count / 2 : sum - count / 2) / count);
}

/** Means of `columns` times `rows` elements of four channels, `row` bytes from row to row. */
static void pool_group(const int8_t *input, int32_t channels, int32_t columns, int32_t rows,
                       int32_t row, int8_t *output) {
    int16x2_t even = 0, odd = 0;
    for (int32_t y = 0; y < rows; y++, input += row) {
        const int8_t *place = input;
        for (int32_t x = columns; x > 0; x--, place += channels) {
            bytes4 bytes = load_bytes(place);
            even = __sadd16(even, even_bytes(bytes));
            odd = __sadd16(odd, odd_bytes(bytes));
        }
    }
    int32_t count = columns * rows;
    output[0] = mean((int16_t)even, count);
    output[1] = mean((int16_t)odd, count);
    output[2] = mean(even >> 16, count);
    output[3] = mean(odd >> 16, count);
}

static int8_t pool_one(const int8_t *input, int32_t channels, int32_t columns, int32_t rows,
                       int32_t row) {
    int32_t sum = 0;
    for (int32_t y = 0; y < rows; y++, input += row) {
        for (int32_t x = 0; x < columns; x++) {
            sum += input[x * channels];
        }
    }
    return mean(sum, columns * rows);
}

void avg_pool_s8(const struct avg_pool_s8 *op, const int8_t *input, int8_t *output) {
    int8_t *out = output;
    int32_t channels = op->channels, row = op->input_width * channels;
    for (int32_t oy = 0; oy < op->output_height; oy++) {
        const struct span y =
            span_of(oy, op->stride_height, op->pad_top, op->kernel_height, op->input_height);
        for (int32_t ox = 0; ox < op->output_width; ox++) {
            const struct span x =
                span_of(ox, op->stride_width, op->pad_left, op->kernel_width, op->input_width);
            const int8_t *place = input + y.first * row + x.first * channels;
            int32_t columns = x.end - x.first, rows = y.end - y.first, channel = 0;
            for (; columns * rows <= LARGEST && channel + GROUP <= channels; channel += GROUP) {
                pool_group(place + channel, channels, columns, rows, row, out);
                out += GROUP;
            }
            for (; channel < channels; channel++) {
                *out++ = pool_one(place + channel, channels, columns, rows, row);
            }
        }
    }
    clamp_s8(output, op->output_height * op->output_width * channels, op->activation_min,
             op->activation_max);
}
