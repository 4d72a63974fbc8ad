/* Inferences on the input that an adapter has made; the output stays in the context. */
#ifndef TINYHIL_INFER_H
#define TINYHIL_INFER_H

#include "hil.h"

/* Interrupts stay as they are. */
void hil_infer_untimed(struct hil *hil, const int8_t *input, uint32_t count);

/* With interrupts masked, on a restarted counter; keeps the time of each, and returns the ticks of
 * all together, which began at `ticks_before_restart`. */
uint64_t hil_infer_timed(struct hil *hil, const int8_t *input, uint32_t count);

#endif
