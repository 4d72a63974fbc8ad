/* What the harness is told of this firmware; tinyhil/config.h has the whole list. */
#ifndef HIL_CONFIG_H
#define HIL_CONFIG_H

#include "model_config.h"

#define HIL_VENDOR       "__NAME__"
#define HIL_TASK         "__TASK__"
#define HIL_SAMPLE_BYTES __SAMPLE_BYTES__
#define HIL_OUTPUT_BYTES MODEL_OUTPUT_BYTES
#define HIL_ARENA_BYTES  MODEL_ARENA_BYTES
/* Of the model's file, which records tell: yours, or leave the line out. */
#define HIL_MODEL_SHA256 MODEL_SHA256
#define HIL_BAUD         __BAUD__u
#define HIL_CLOCK_HZ     __CLOCK_HZ__u
#define HIL_INPUT_LEAST  __INPUT_LEAST__

#ifndef HIL_EXTENSION /* 1: frames too; 0: the official protocol alone, as large samples need it.  \
                       */
#define HIL_EXTENSION __EXTENSION__
#endif

#endif
