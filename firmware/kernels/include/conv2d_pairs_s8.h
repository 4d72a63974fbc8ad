/*
 * CONV_2D on int8 for cores that multiply two pairs of 16 bits at once: as conv2d_s8, for the
 * operators that the compiler has proved to fit, with weights in the order in which they are read.
 */
#ifndef TINYHIL_CONV2D_PAIRS_S8_H
#define TINYHIL_CONV2D_PAIRS_S8_H

#include "pairs.h"

enum { CONV2D_SHIFT = 12 }; /**< Of ROUND_FIXED. */

/** Sizes are in elements; an element is a byte. */
struct conv2d_pairs_s8 {
    int32_t input_height, input_width, input_channels;
    int32_t output_height, output_width, output_channels; /**< Channels: an even number. */
    int32_t kernel_height, kernel_width;
    int32_t stride_height, stride_width;
    int32_t pad_top, pad_left;
    int32_t row;      /**< kernel_width * input_channels, rounded up to 4. */
    int32_t bytes;    /**< 1: the weights of two channels share 16 bits, see pairs.h. */
    int32_t rounding; /**< One of enum rounding. */
    int32_t staged;   /**< Bytes of the stream, if it is to be copied into RAM first; else 0. */
    int32_t input_zero_point;
    int32_t activation_min, activation_max;
    /**
     * For each pair of output channels: two sums to start with; words of weights, those of four
     * inputs after those of the four before, rows rounded up with zeros; two of struct finish_s8,
     * the multipliers and addends of both first, their right shifts only if they are read.
     */
    const int32_t *stream;
};

/**
 * `scratch`: (6 * kernel_height + 1) * row bytes and three times the larger one of row and
 * output_channels, rounded up to 4, and `staged` bytes; aligned to 4. A pixel is read before its
 * outputs are written, in the order of memory: the output may overlap the input as far as what
 * later pixels read is still there. Other than that the three buffers must not overlap.
 */
void conv2d_pairs_s8(const struct conv2d_pairs_s8 *op, const int8_t *input, int8_t *output,
                     int8_t *scratch);

#endif
