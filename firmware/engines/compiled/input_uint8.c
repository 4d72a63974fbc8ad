/* Image bytes: 128 less is the model's int8.  That is a flip of the highest bit, which is its own
 * inverse, so it is done in place. */
#include "tinyhil.h"

static void flip(uint8_t *sample) {
    for (size_t i = 0; i < MODEL_INPUT_BYTES; i++) {
        sample[i] ^= 0x80u;
    }
}

const int8_t *engine_open(uint8_t *sample) {
    flip(sample);
    return (const int8_t *)sample;
}

void engine_close(uint8_t *sample, int8_t *output) {
    (void)output;
    flip(sample);
}
