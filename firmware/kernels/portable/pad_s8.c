/* PAD: the value everywhere, then the input's rows in their places. */
#include "pad_s8.h"

#include <string.h>

void pad_s8(const struct pad_s8 *op, const int8_t *input, int8_t *output) {
    int32_t plane = op->output_height * op->output_width * op->output_channels;
    memset(output, op->value, (size_t)(op->output_batch * plane));
    output += op->before_batch * plane + op->before_channels;
    for (int32_t batch = 0; batch < op->input_batch; batch++, output += plane) {
        for (int32_t y = 0; y < op->input_height; y++) {
            int32_t row = (op->before_height + y) * op->output_width + op->before_width;
            int8_t *out = output + row * op->output_channels;
            for (int32_t x = 0; x < op->input_width; x++) {
                memcpy(out, input, (size_t)op->input_channels);
                out += op->output_channels;
                input += op->input_channels;
            }
        }
    }
}
