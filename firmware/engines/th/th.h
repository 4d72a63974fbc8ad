/* The functions of the official API that th.c calls, and those that it offers; declared as they are
 * there, so that a file which implements them for the official firmware fits here unchanged. */
#ifndef TINYHIL_TH_H
#define TINYHIL_TH_H

#include <stddef.h>
#include <stdint.h>

/* Yours. */
void th_load_tensor(void); /* Copies the sample, by `ee_get_buffer`, into the input tensor. */
void th_infer(void);       /* One inference: all that is timed. */
void th_results(void);     /* Prints `m-results-[0.123,...]` by `th_printf`. */
void th_pre(void);         /* Once, around inferences; not timed here. */
void th_post(void);
void th_final_initialize(void); /* Sets the model up; your `main` calls it. */

/* Ours. */
void th_printf(const char *format, ...);
size_t ee_get_buffer(uint8_t *buffer, size_t max_size);
uint8_t *ee_get_buffer_pointer(void);

#endif
