/*
 * One compiled model. `tinyhil build` writes model.c, which implements this, and model_config.h:
 *
 *   MODEL_SHA256             string literal: SHA-256 of the .tflite file, lower-case hex
 *   MODEL_INPUT_BYTES        size of the input tensor, or of all of them, one behind the other
 *   MODEL_INPUT_TYPE         type of each element: int8_t, or uint8_t, int16_t or float
 *   MODEL_INPUT_SCALE        float literal, exact; of the first input
 *   MODEL_INPUT_ZERO_POINT   real input = MODEL_INPUT_SCALE * (input - this)
 *   MODEL_OUTPUT_COUNT       elements of the output tensor, or of all of them
 *   MODEL_OUTPUT_TYPE        type of each: int8_t, or uint8_t, int16_t or float
 *   MODEL_OUTPUT_BYTES       size of the output tensor, or of all of them
 *   MODEL_OUTPUT_PARTS       {elements, scale, zero point} of each output, separated by commas
 *   MODEL_ARENA_BYTES        size of the tensor arena; never 0
 *   MODEL_OUTPUT_SCALE       float literal, exact; of the first output
 *   MODEL_OUTPUT_ZERO_POINT  real output = MODEL_OUTPUT_SCALE * (output - this); of float 1 and 0
 *   MODEL_MACS               multiply-accumulates of one inference
 */
#ifndef TINYHIL_MODEL_H
#define TINYHIL_MODEL_H

#include <stdint.h>

/**
 * One inference. It keeps nothing between calls, so that equal inputs give equal outputs; but for
 * models with variables, whose state is this function's own.
 *
 * arena:  MODEL_ARENA_BYTES of the caller's memory, aligned to 16; its content does not matter.
 * input:  MODEL_INPUT_BYTES, read only, not in the arena.
 * output: MODEL_OUTPUT_BYTES, not in the arena, not overlapping the input.
 */
void model_invoke(int8_t *arena, const int8_t *input, int8_t *output);

#endif
