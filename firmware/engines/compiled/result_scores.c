/* Results of a classifier, or of any model: the dequantized elements of all outputs. */
#include <string.h>

#include "tinyhil.h"

/** The model's outputs, one behind the other. */
static const struct {
    size_t count;
    float scale;
    int32_t zero_point;
} parts[] = {MODEL_OUTPUT_PARTS};

size_t engine_result_count(void) {
    return MODEL_OUTPUT_COUNT;
}

int32_t engine_result(const uint8_t *sample, const int8_t *output, size_t index) {
    (void)sample;
    MODEL_OUTPUT_TYPE score;
    memcpy(&score, &output[index * sizeof score], sizeof score);
    size_t part = 0;
    for (; index >= parts[part].count; part++) {
        index -= parts[part].count;
    }
    return hil_thousandths(parts[part].scale * (float)(score - parts[part].zero_point));
}
