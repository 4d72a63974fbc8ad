/* Results of a classifier: the dequantized scores of all classes. */
#include "adapter.h"
#include "print.h"

void adapter_print_results(const struct hil *hil) {
    for (int i = 0; i < MODEL_OUTPUT_COUNT; i++) {
        if (i != 0) {
            print_text(",");
        }
        print_score(MODEL_OUTPUT_SCALE * (float)(hil->output[i] - MODEL_OUTPUT_ZERO_POINT));
    }
}
