/* The model on this machine: samples from stdin, their results to stdout, as thousandths.
 *
 * The portable kernels and the adapters of the firmware itself: what our own firmware answers must
 * be the same, bit for bit. */
#include <stdio.h>

#include "model.h"
#include "tinyhil.h"

static _Alignas(16) int8_t arena[HIL_ARENA_BYTES];
static _Alignas(16) uint8_t sample[HIL_SAMPLE_BYTES];
static int8_t output[HIL_OUTPUT_BYTES];

int main(void) {
    while (fread(sample, 1, sizeof sample, stdin) == sizeof sample) {
        const int8_t *input = engine_open(sample);
        model_invoke(arena, input, output);
        engine_close(sample, output);
        for (size_t i = 0; i < engine_result_count(); i++) {
            int32_t result = engine_result(sample, output, i);
            if (fwrite(&result, sizeof result, 1, stdout) != 1) {
                return 1;
            }
        }
    }
    return 0;
}
