/* The harness's sizes of a compiled model; the task and the board come from the compiler's command
 * line. */
#ifndef TINYHIL_COMPILED_HIL_CONFIG_H
#define TINYHIL_COMPILED_HIL_CONFIG_H

#include "model_config.h"

/* HIL_SAMPLE_ELEMENT is the size of the encoding's elements; of an int8 model's own, one byte. */
#define HIL_SAMPLE_BYTES (MODEL_INPUT_BYTES * HIL_SAMPLE_ELEMENT)
#define HIL_OUTPUT_BYTES MODEL_OUTPUT_BYTES
#define HIL_ARENA_BYTES  MODEL_ARENA_BYTES
#define HIL_MODEL_SHA256 MODEL_SHA256

/* The model is called as it is: a function in between would be timed. */
#define engine_infer model_invoke

#endif
