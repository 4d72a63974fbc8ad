/* MAX_POOL_2D on int16: NHWC, one image; input and output share scale and zero point. */
#ifndef TINYHIL_MAX_POOL_S16_H
#define TINYHIL_MAX_POOL_S16_H

#include <stdint.h>

/** Sizes are in elements; an element is a number. */
struct max_pool_s16 {
    int32_t input_height, input_width, channels;
    int32_t output_height, output_width;
    int32_t kernel_height, kernel_width;
    int32_t stride_height, stride_width;
    int32_t pad_top, pad_left; /**< Padding is never the largest. */
    int32_t activation_min, activation_max;
};

/** The two buffers must not overlap. */
void max_pool_s16(const struct max_pool_s16 *op, const int8_t *input, int8_t *output);

#endif
