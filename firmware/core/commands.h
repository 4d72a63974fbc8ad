/* The commands of the text protocol. */
#ifndef TINYHIL_COMMANDS_H
#define TINYHIL_COMMANDS_H

#include "hil.h"

/* Runs one command; `text` is cut into words in place.  The caller adds the `m-ready`. */
void hil_commands_run(struct hil *hil, char *text);

#endif
