/* A network as code generators of vendors deliver it: it is made once, it owns its buffers, and it
 * runs from one to the other.  Put your generated header in the place of this one. */
#ifndef NETWORK_H
#define NETWORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Makes the network in memory of the caller's; false when that does not do. */
bool network_create(void *activations, size_t size);

int8_t *network_input(void);        /* MODEL_INPUT_BYTES */
const int8_t *network_output(void); /* HIL_OUTPUT_BYTES */

/* One inference; false when it has failed. */
bool network_run(void);

#endif
