/* How a task's sample becomes the model's input, and the model's output the task's results.
 *
 * One file of adapters/ for each encoding of samples and one for each kind of results; a task's
 * facts choose them at build time.  None of this is timed: the benchmark counts it as pre- and
 * post-processing. */
#ifndef TINYHIL_ADAPTER_H
#define TINYHIL_ADAPTER_H

#include "hil.h"

/* The model's input, made of the loaded sample.  The input buffer may be changed until
 * `adapter_input_close`. */
const int8_t *adapter_input_open(struct hil *hil);

/* Makes the input buffer hold the sample again as it was loaded. */
void adapter_input_close(struct hil *hil);

/* What `results` prints, made of the sample and the last output. */
void adapter_print_results(const struct hil *hil);

#endif
