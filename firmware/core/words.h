/* The words of a text command. */
#ifndef TINYHIL_WORDS_H
#define TINYHIL_WORDS_H

#include <stdint.h>

struct hil;

/* Takes the next word (words are separated by spaces) off `*rest`; NULL when there is none. */
char *hil_words_next(char **rest);

/* The decimal number at the start of `word`, 0 if there is none, limited to 32 bits; as atoi,
 * which the firmware in the field uses, but without its undefined overflow. */
int32_t hil_words_number(const char *word);

/* Prints the error for an unknown command: `family` (with a space after it, or empty), `name`. */
void hil_words_unknown(struct hil *hil, const char *family, const char *name);

#endif
