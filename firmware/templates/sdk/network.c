/* Until your generated network is here: the task's model as tinyhil's own compiler makes it. */
#include "network.h"

#include "hil_config.h"
#include "model.h"

static int8_t input[MODEL_INPUT_BYTES], output[MODEL_OUTPUT_BYTES];
static int8_t *arena;

bool network_create(void *activations, size_t size) {
    arena = activations;
    return size >= MODEL_ARENA_BYTES;
}

int8_t *network_input(void) {
    return input;
}

const int8_t *network_output(void) {
    return output;
}

bool network_run(void) {
    model_invoke(arena, input, output);
    return true;
}
