/* A copy. */
#include "copy_s8.h"

#include <string.h>

void copy_s8(const struct copy_s8 *op, const int8_t *input, int8_t *output) {
    memcpy(output, input + op->start, (size_t)op->elements);
}
