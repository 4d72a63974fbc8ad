/* Makes what a wild host would send: commands and frames, most of them with damage. */
#ifndef TINYHIL_HOST_FUZZ_INPUT_H
#define TINYHIL_HOST_FUZZ_INPUT_H

#include <stddef.h>
#include <stdint.h>

#define FUZZ_INPUT_MAX 4096u

struct fuzz_input {
    size_t size;
    uint8_t bytes[FUZZ_INPUT_MAX];
};

/* The input of a number: equal numbers give equal inputs. */
void fuzz_input_make(struct fuzz_input *input, uint64_t number);

/* Appends LEAVE, as a host sends it that does not know what it finds. */
void fuzz_input_leave(struct fuzz_input *input);

/* Appends text. */
void fuzz_input_text(struct fuzz_input *input, const char *text);

/* The next of the random numbers that an input is made of: `fuzz_below` is below `limit`, and
 * `fuzz_chance` true once in `one_in` times. */
uint32_t fuzz_below(uint32_t limit);
int fuzz_chance(uint32_t one_in);

#endif
