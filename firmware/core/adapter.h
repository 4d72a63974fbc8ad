/* How a task's sample becomes the model's input, and the model's output the task's results.
 *
 * One file of adapters/ for each encoding of samples and one for each kind of results; a task's
 * facts choose them at build time.  None of this is timed: the benchmark counts it as pre- and
 * post-processing. */
#ifndef TINYHIL_ADAPTER_H
#define TINYHIL_ADAPTER_H

#include "hil.h"

#define ADAPTER_RESULTS_MAX 255

/* The model's input, made of the loaded sample.  The input buffer may be changed until
 * `adapter_input_close`. */
const int8_t *adapter_input_open(struct hil *hil);

/* Makes the input buffer hold the sample again as it was loaded. */
void adapter_input_close(struct hil *hil);

/* How many numbers the task's results are; at most ADAPTER_RESULTS_MAX. */
size_t adapter_result_count(void);

/* One of them in thousandths, made of the sample and the last output. */
int32_t adapter_result(const struct hil *hil, size_t index);

/* Thousandths, rounded as printf("%.3f") does (to nearest, ties to even); what does not fit
 * into 32 bits becomes the nearest number that does, and NaN becomes 0. */
int32_t adapter_thousandths(float value);

#endif
