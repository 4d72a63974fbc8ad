/* Results of a classifier: the dequantized scores of all classes. */
#include "adapter.h"

_Static_assert(MODEL_OUTPUT_COUNT <= ADAPTER_RESULTS_MAX, "too many classes for an answer");

size_t adapter_result_count(void) {
    return MODEL_OUTPUT_COUNT;
}

int32_t adapter_result(const struct hil *hil, size_t index) {
    return adapter_thousandths(MODEL_OUTPUT_SCALE *
                               (float)(hil->output[index] - MODEL_OUTPUT_ZERO_POINT));
}
