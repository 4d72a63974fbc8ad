/* MUL on int16: products in the scale of the output. */
#include "mul_s16.h"

#include "int16.h"

void mul_s16(const struct mul_s16 *op, const int8_t *first, const int8_t *second, int8_t *output) {
    const struct broadcast *places = &op->places;
    int32_t at[3] = {0, 0, 0}, index = 0;
    first = op->first ? op->first : first;
    second = op->second ? op->second : second;
    do {
        int32_t a = broadcast_row(places->first, at), b = broadcast_row(places->second, at);
        for (int32_t i = 0; i < places->size[3]; i++) {
            int32_t value = rescale_s32(load_s16(first, a) * load_s16(second, b), op->channels);
            store_s16(output, index++, between_s32(value, op->activation_min, op->activation_max));
            a += places->first[3];
            b += places->second[3];
        }
    } while (broadcast_next(places, at));
}
