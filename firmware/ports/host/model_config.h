/* Facts of a model that is replayed, as the model compiler writes them of one that is compiled (see
 * model.h).  Those that differ between tasks come from the command line of the C compiler. */
#ifndef TINYHIL_MODEL_CONFIG_H
#define TINYHIL_MODEL_CONFIG_H

#if !defined MODEL_INPUT_BYTES || !defined MODEL_OUTPUT_COUNT
#error "build through tinyhil.emulator.native_build"
#endif

#include <stdint.h>

/* No file has this sum: nobody must take the device for one with a model. */
#define MODEL_SHA256 "0000000000000000000000000000000000000000000000000000000000000000"

#define MODEL_ARENA_BYTES 16 /* Not used. */
#define MODEL_MACS        0

/* Of a softmax. */
#define MODEL_OUTPUT_TYPE       int8_t
#define MODEL_OUTPUT_BYTES      MODEL_OUTPUT_COUNT
#define MODEL_OUTPUT_SCALE      0x1p-8f
#define MODEL_OUTPUT_ZERO_POINT (-128)
#define MODEL_OUTPUT_PARTS      {MODEL_OUTPUT_COUNT, MODEL_OUTPUT_SCALE, MODEL_OUTPUT_ZERO_POINT}

/* Where samples are floats: steps of the kind that a model of log-mel features has. */
#define MODEL_INPUT_TYPE       int8_t
#define MODEL_INPUT_SCALE      0x1p-1f
#define MODEL_INPUT_ZERO_POINT 64

/* The board's facts have it elsewhere; here the process's command line. */
extern uint32_t device_boot_baud;
#define HIL_BAUD device_boot_baud

#endif
