/* The engine: your model as a plain C function. */
#include "model.h"
#include "tinyhil.h"

/* This is what is timed.  Call your function here; until you do, it is the task's model as
 * tinyhil's own compiler makes it, which is a figure to compare with. */
void engine_infer(int8_t *arena, const int8_t *input, int8_t *output) {
    model_invoke(arena, input, output);
}
