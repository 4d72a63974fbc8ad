/* AVERAGE_POOL_2D on uint8 that is stored as int8, 128 less: halves of what is meant go up. */
#ifndef TINYHIL_AVG_POOL_U8_H
#define TINYHIL_AVG_POOL_U8_H

#include <stdint.h>

/** Sizes are in elements; an element is a byte. */
struct avg_pool_u8 {
    int32_t input_height, input_width, channels;
    int32_t output_height, output_width;
    int32_t kernel_height, kernel_width;
    int32_t stride_height, stride_width;
    int32_t pad_top, pad_left; /**< Padding is not counted in the mean. */
    int32_t activation_min, activation_max;
};

/** The two buffers must not overlap. */
void avg_pool_u8(const struct avg_pool_u8 *op, const int8_t *input, int8_t *output);

#endif
