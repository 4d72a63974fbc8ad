/* MAX_POOL_2D, four channels at a time: bytes are compared, and chosen, four at once. */
#include "max_pool_s8.h"

#include "requantize.h"
#include "simd32.h"
#include "window.h"

enum { GROUP = 4 };

/** The part of a window that lies in the image. */
struct part {
    int32_t rows, columns;
    int32_t row; /**< Bytes from row to row. */
};

/** Of each of four bytes the larger one. */
static inline bytes4 larger_bytes(bytes4 a, bytes4 b) {
    (void)__ssub8((int8x4_t)a, (int8x4_t)b); /* which ones are, in flags */
    return (bytes4)__sel((uint8x4_t)a, (uint8x4_t)b);
}

static void pool_group(const int8_t *input, int32_t channels, const struct part *part,
                       int8_t *output) {
    bytes4 largest = load_bytes(input);
    for (int32_t y = 0; y < part->rows; y++, input += part->row) {
        const int8_t *place = input;
        for (int32_t x = part->columns; x > 0; x--, place += channels) {
            largest = larger_bytes(load_bytes(place), largest);
        }
    }
    memcpy(output, &largest, sizeof largest);
}

static int8_t pool_one(const int8_t *input, int32_t channels, const struct part *part) {
    int32_t largest = INT8_MIN;
    for (int32_t y = 0; y < part->rows; y++, input += part->row) {
        for (int32_t x = 0; x < part->columns; x++) {
            largest = larger(largest, input[x * channels]);
        }
    }
    return (int8_t)largest;
}

void max_pool_s8(const struct max_pool_s8 *op, const int8_t *input, int8_t *output) {
    int8_t *out = output;
    int32_t channels = op->channels, row = op->input_width * channels;
    for (int32_t oy = 0; oy < op->output_height; oy++) {
        const struct span y =
            span_of(oy, op->stride_height, op->pad_top, op->kernel_height, op->input_height);
        for (int32_t ox = 0; ox < op->output_width; ox++) {
            const struct span x =
                span_of(ox, op->stride_width, op->pad_left, op->kernel_width, op->input_width);
            const struct part part = {y.end - y.first, x.end - x.first, row};
            const int8_t *place = input + y.first * row + x.first * channels;
            int32_t channel = 0;
            for (; channel + GROUP <= channels; channel += GROUP, out += GROUP) {
                pool_group(place + channel, channels, &part, out);
            }
            for (; channel < channels; channel++) {
                *out++ = pool_one(place + channel, channels, &part);
            }
        }
    }
    clamp_s8(output, op->output_height * op->output_width * channels, op->activation_min,
             op->activation_max);
}
