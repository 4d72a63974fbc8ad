/*
 * TRANSPOSE: where neighbours along the output's last axis but one are neighbours in the input, of
 * bytes, blocks of 4 x 4 are turned in registers. All else is copied as it comes.
 */
#include "transpose_s8.h"

#include "simd32.h"

enum { BLOCK = 4 };

static const uint32_t EVEN = UINT32_C(0x00ff00ff);

/** Four rows of four bytes become four columns, `step` bytes apart. */
static void turn(const int8_t *input, int32_t input_step, int8_t *output, int32_t step) {
    bytes4 a = load_bytes(input), b = load_bytes(input + input_step);
    bytes4 c = load_bytes(input + 2 * input_step), d = load_bytes(input + 3 * input_step);
    uint32_t even_ab = (a & EVEN) | (b & EVEN) << 8, odd_ab = (a >> 8 & EVEN) | (b & ~EVEN);
    uint32_t even_cd = (c & EVEN) | (d & EVEN) << 8, odd_cd = (c >> 8 & EVEN) | (d & ~EVEN);
    const uint32_t columns[BLOCK] = {
        (even_ab & 0xffffu) | even_cd << 16,
        (odd_ab & 0xffffu) | odd_cd << 16,
        even_ab >> 16 | (even_cd & 0xffff0000u),
        odd_ab >> 16 | (odd_cd & 0xffff0000u),
    };
    for (int32_t i = 0; i < BLOCK; i++) {
        memcpy(output + i * step, &columns[i], sizeof columns[i]);
    }
}

/** Copies the innermost axis from its element `first` on; returns its end. */
static int8_t *copy_axis(const struct transpose_s8 *op, const int8_t *input, int32_t first,
                         int8_t *output) {
    output += first * op->item;
    if (first == 0 && op->step_3 == op->item) { /* neighbours stay neighbours */
        size_t run = (size_t)(op->size_3 * op->item);
        memcpy(output, input, run);
        return output + run;
    }
    for (int32_t i = first; i < op->size_3; i++, output += op->item) {
        const int8_t *in = input + i * op->step_3;
        if (op->item == 1) {
            *output = *in;
        } else {
            memcpy(output, in, (size_t)op->item);
        }
    }
    return output;
}

/** Both inner axes; returns their end. */
static int8_t *copy_plane(const struct transpose_s8 *op, const int8_t *input, int8_t *output) {
    int32_t row = 0, blocks = op->size_3 / BLOCK * BLOCK;
    for (; op->item == 1 && op->step_2 == 1 && row + BLOCK <= op->size_2; row += BLOCK) {
        for (int32_t i = 0; i < blocks; i += BLOCK) {
            turn(input + row + i * op->step_3, op->step_3, output + i, op->size_3);
        }
        for (int32_t i = 0; i < BLOCK; i++) {
            output = copy_axis(op, input + row + i, blocks, output);
        }
    }
    for (; row < op->size_2; row++) {
        output = copy_axis(op, input + row * op->step_2, 0, output);
    }
    return output;
}

void transpose_s8(const struct transpose_s8 *op, const int8_t *input, int8_t *output) {
    for (int32_t a = 0; a < op->size_0; a++) {
        for (int32_t b = 0; b < op->size_1; b++) {
            output = copy_plane(op, input + a * op->step_0 + b * op->step_1, output);
        }
    }
}
