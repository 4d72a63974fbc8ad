/* Samples that are as the model takes them, such as quantized ones: the buffer is its input. */
#include "tinyhil.h"

const int8_t *engine_open(uint8_t *sample) {
    return (const int8_t *)sample;
}

void engine_close(uint8_t *sample, int8_t *output) {
    (void)sample, (void)output;
}
