/* The engine: a network that a vendor's SDK has generated, see network.h. */
#include <string.h>

#include "network.h"
#include "tinyhil.h"

/* Of input.c, under this name: the model's input of a sample, and the sample again. */
const int8_t *sample_open(uint8_t *sample);
void sample_close(uint8_t *sample, int8_t *output);

static uint32_t failures; /* Inferences of the sample that have failed. */

/* The input is copied once for all inferences of a sample: a network that writes over its own
 * input must get it again in `engine_infer`, where that takes its time. */
const int8_t *engine_open(uint8_t *sample) {
    failures = 0;
    return memcpy(network_input(), sample_open(sample), MODEL_INPUT_BYTES);
}

void engine_infer(int8_t *arena, const int8_t *input, int8_t *output) {
    (void)arena, (void)input, (void)output;
    failures += !network_run();
}

void engine_close(uint8_t *sample, int8_t *output) {
    if (failures != 0u) {
        tinyhil_fail("Failed inferences:", failures);
    }
    sample_close(sample, output);
    memcpy(output, network_output(), HIL_OUTPUT_BYTES);
}
