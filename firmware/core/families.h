/* Commands with a file of their own; `rest` is what follows the command's name. */
#ifndef TINYHIL_FAMILIES_H
#define TINYHIL_FAMILIES_H

#include "hil.h"

void hil_buffer_command(struct hil *hil, char *rest);    /* db */
void hil_infer_command(struct hil *hil, char *rest);     /* infer */
void hil_results_command(struct hil *hil, char *rest);   /* results */
void hil_extension_command(struct hil *hil, char *rest); /* hil */
void hil_identity_command(struct hil *hil, char *rest);  /* hil id */
void hil_token_command(struct hil *hil, char *rest);     /* hil token */
void hil_frames_command(struct hil *hil, char *rest);    /* hil frames */
void hil_rate_command(struct hil *hil, char *rest);      /* hil baud */

#endif
