/* Elements of one axis: copied one by one. */
#include "gather_s8.h"

#include <string.h>

void gather_s8(const struct gather_s8 *op, const int8_t *input, int8_t *output) {
    for (int32_t outer = 0; outer < op->outer; outer++, input += op->size) {
        for (int32_t i = 0; i < op->count; i++, output += op->inner) {
            memcpy(output, input + op->places[i], (size_t)op->inner);
        }
    }
}
