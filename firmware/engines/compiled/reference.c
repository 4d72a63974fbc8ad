/* A program of the host's: the right answers of a compiled model, by the portable kernels.
 *
 * It reads samples as a device is sent them, and writes the results of each, in thousandths, as
 * numbers of 32 bits in the host's order.  See plugin/tinyhil/image/reference.py. */
#include <stdio.h>

#include "model.h"
#include "tinyhil.h"

int main(void) {
    static _Alignas(16) int8_t arena[HIL_ARENA_BYTES];
    static uint8_t sample[HIL_SAMPLE_BYTES];
    static int8_t output[HIL_OUTPUT_BYTES];
    while (fread(sample, 1, sizeof sample, stdin) == sizeof sample) {
        engine_infer(arena, engine_open(sample), output);
        engine_close(sample, output);
        for (size_t index = 0; index < engine_result_count(); index++) {
            int32_t result = engine_result(sample, output, index);
            if (fwrite(&result, sizeof result, 1, stdout) != 1) {
                return 1;
            }
        }
    }
    return fflush(stdout) == 0 ? 0 : 1;
}
