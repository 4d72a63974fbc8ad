/* ADD and SUB on int16: both inputs in one scale, and their sum in that of the output. */
#include "sum_s16.h"

#include "int16.h"

void sum_s16(const struct sum_s16 *op, const int8_t *first, const int8_t *second, int8_t *output) {
    const struct broadcast *places = &op->places;
    int32_t at[3] = {0, 0, 0}, index = 0, unit = INT32_C(1) << op->left;
    first = op->first ? op->first : first;
    second = op->second ? op->second : second;
    do {
        int32_t a = broadcast_row(places->first, at), b = broadcast_row(places->second, at);
        for (int32_t i = 0; i < places->size[3]; i++) {
            int32_t left = rescale_s32(load_s16(first, a) * unit, &op->channels[0]);
            int32_t right = rescale_s32(load_s16(second, b) * unit, &op->channels[1]);
            int32_t sum = op->subtract ? left - right : left + right;
            int32_t value = rescale_s32(sum, &op->channels[2]);
            store_s16(output, index++, between_s32(value, op->activation_min, op->activation_max));
            a += places->first[3];
            b += places->second[3];
        }
    } while (broadcast_next(places, at));
}
