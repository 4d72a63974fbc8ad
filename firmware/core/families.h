/* Commands with a file of their own; `rest` is what follows the command's name. */
#ifndef TINYHIL_FAMILIES_H
#define TINYHIL_FAMILIES_H

#include "hil.h"

void buffer_command(struct hil *hil, char *rest);    /* db */
void infer_command(struct hil *hil, char *rest);     /* infer */
void results_command(struct hil *hil, char *rest);   /* results */
void extension_command(struct hil *hil, char *rest); /* hil */
void identity_command(struct hil *hil, char *rest);  /* hil id */
void token_command(struct hil *hil, char *rest);     /* hil token */
void frames_command(struct hil *hil, char *rest);    /* hil frames */
void rate_command(struct hil *hil, char *rest);      /* hil baud */

#endif
