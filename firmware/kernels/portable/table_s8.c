/* What the table says of each value. */
#include "table_s8.h"

void table_s8(const struct table_s8 *op, const int8_t *input, int8_t *output) {
    for (int32_t i = 0; i < op->elements; i++) {
        output[i] = op->table[(uint8_t)input[i]];
    }
}
