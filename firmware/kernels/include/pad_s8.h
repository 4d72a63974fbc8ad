/* PAD on int8: up to four axes, with one value around. */
#ifndef TINYHIL_PAD_S8_H
#define TINYHIL_PAD_S8_H

#include <stdint.h>

struct pad_s8 {
    int32_t input_batch, input_height, input_width, input_channels;
    int32_t output_batch, output_height, output_width, output_channels;
    int32_t before_batch, before_height, before_width, before_channels;
    int32_t value;
};

/** The two buffers must not overlap. */
void pad_s8(const struct pad_s8 *op, const int8_t *input, int8_t *output);

#endif
