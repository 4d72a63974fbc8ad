/* Results of a classifier: the dequantized scores of all classes. */
#include <string.h>

#include "tinyhil.h"

size_t engine_result_count(void) {
    return MODEL_OUTPUT_COUNT;
}

int32_t engine_result(const uint8_t *sample, const int8_t *output, size_t index) {
    (void)sample;
    MODEL_OUTPUT_TYPE score;
    memcpy(&score, &output[index * sizeof score], sizeof score);
    return hil_thousandths(MODEL_OUTPUT_SCALE * (float)(score - MODEL_OUTPUT_ZERO_POINT));
}
