/* A program of the host's: what a compiled model makes of its inputs, as bytes of its output
 * tensor.
 *
 * It reads inputs one behind the other.  See plugin/tinyhil/image/check.py, which builds it twice.
 */
#include <stdio.h>
#include <string.h>

#include "model.h"

int main(void) {
    static _Alignas(16) int8_t arena[CHECK_ARENA_BYTES];
    static _Alignas(16) int8_t input[CHECK_INPUT_BYTES];
    static _Alignas(16) int8_t output[CHECK_OUTPUT_BYTES];
    /* What an inference leaves must not be what the next one needs. */
    memset(arena, 0x55, sizeof arena);
    while (fread(input, 1, sizeof input, stdin) == sizeof input) {
        model_invoke(arena, input, output);
        if (fwrite(output, 1, sizeof output, stdout) != sizeof output) {
            return 1;
        }
    }
    return fflush(stdout) == 0 ? 0 : 1;
}
