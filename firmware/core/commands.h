/* The commands of the text protocol. */
#ifndef TINYHIL_COMMANDS_H
#define TINYHIL_COMMANDS_H

#include "hil.h"

/* Runs one command; `text` is cut into words in place.  The caller adds the `m-ready`. */
void commands_run(struct hil *hil, char *text);

/* Takes the next word (parted by blanks) off `*rest`; NULL when there is none. */
char *commands_word(char **rest);

/* The decimal number at the start of `word`, 0 if there is none, limited to 32 bits; as atoi,
 * which the firmware in the field uses, but without its undefined overflow. */
int32_t commands_number(const char *word);

/* Families of commands with a file of their own; `rest` is what follows the command's name. */
void buffer_command(struct hil *hil, char *rest);    /* db */
void infer_command(struct hil *hil, char *rest);     /* infer */
void infer_results(const struct hil *hil);           /* results */
void extension_command(struct hil *hil, char *rest); /* hil */
void identity_command(struct hil *hil, char *rest);  /* hil id */
void token_command(struct hil *hil, char *rest);     /* hil token */
void frames_command(struct hil *hil, char *rest);    /* hil frames */
void rate_command(struct hil *hil, char *rest);      /* hil baud */

/* Prints the error for a command that is none: `family` (a blank behind it, or empty), `name`. */
void commands_unknown(struct hil *hil, const char *family, const char *name);

#endif
