/* Image bytes: 128 less is the model's int8.  That is a flip of the highest bit, which is its own
 * inverse, so it is done in place. */
#include "adapter.h"

static void flip(struct hil *hil) {
    for (size_t i = 0; i < MODEL_INPUT_BYTES; i++) {
        hil->input[i] ^= 0x80u;
    }
}

const int8_t *adapter_input_open(struct hil *hil) {
    flip(hil);
    return (const int8_t *)hil->input;
}

void adapter_input_close(struct hil *hil) {
    flip(hil);
}
