/*
 * One compiled model. `tinyhil build` writes model.c, which implements this, and model_config.h:
 *
 *   MODEL_SHA256             string literal: SHA-256 of the .tflite file, lower-case hex
 *   MODEL_INPUT_BYTES        size of the int8 input tensor
 *   MODEL_INPUT_SCALE        float literal, exact
 *   MODEL_INPUT_ZERO_POINT   real input = MODEL_INPUT_SCALE * (input - this)
 *   MODEL_OUTPUT_COUNT       elements (and bytes) of the int8 output tensor
 *   MODEL_ARENA_BYTES        size of the tensor arena; never 0
 *   MODEL_OUTPUT_SCALE       float literal, exact
 *   MODEL_OUTPUT_ZERO_POINT  real output = MODEL_OUTPUT_SCALE * (output - this)
 *   MODEL_MACS               multiply-accumulates of one inference
 */
#ifndef TINYHIL_MODEL_H
#define TINYHIL_MODEL_H

#include <stdint.h>

/**
 * One inference. It keeps nothing between calls: equal inputs give equal outputs.
 *
 * arena:  MODEL_ARENA_BYTES of the caller's memory, aligned to 16; its content does not matter.
 * input:  MODEL_INPUT_BYTES, read only, not in the arena.
 * output: MODEL_OUTPUT_COUNT bytes, not in the arena, not overlapping the input.
 */
void model_invoke(int8_t *arena, const int8_t *input, int8_t *output);

#endif
