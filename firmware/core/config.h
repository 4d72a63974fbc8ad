/* What the harness is told at build time, by the firmware's own hil_config.h:
 *
 *   HIL_TASK          string: the task, as `profile` tells it
 *   HIL_SAMPLE_BYTES  of a sample as it is sent
 *   HIL_OUTPUT_BYTES  of the model's raw output
 *   HIL_BAUD          of the UART when the device boots
 *
 * and, if it says so: */
#ifndef TINYHIL_CONFIG_H
#define TINYHIL_CONFIG_H

#include "tinyhil.h" /* With hil_config.h, and HIL_ENERGY_MODE, which ports need too. */

/* Who made the device, as `name` tells it. */
#ifndef HIL_VENDOR
#define HIL_VENDOR "tinyhil"
#endif

/* Of the scratch memory that the harness keeps for the engine. */
#ifndef HIL_ARENA_BYTES
#define HIL_ARENA_BYTES 16
#endif

/* Of a sample that `db load` takes at least: the protocol's, of the benchmark's largest model. */
#ifndef HIL_INPUT_LEAST
#define HIL_INPUT_LEAST 27648
#endif

/* SHA-256 of the model's file; no file has this sum. */
#ifndef HIL_MODEL_SHA256
#define HIL_MODEL_SHA256 "0000000000000000000000000000000000000000000000000000000000000000"
#endif

/* 1: our own commands and frames, too.  0: the official protocol alone. */
#ifndef HIL_EXTENSION
#define HIL_EXTENSION 1
#endif

#endif
