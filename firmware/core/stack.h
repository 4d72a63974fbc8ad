/* Stack use by painting: the free part is filled with a pattern, what is overwritten was used. */
#ifndef TINYHIL_STACK_H
#define TINYHIL_STACK_H

#include <stdint.h>

/* Paints the stack below the caller's frame. */
void hil_stack_paint(void);

/* Most bytes of stack that were in use since the painting. */
uint32_t hil_stack_high_water(void);

/* Bytes reserved for the stack. */
uint32_t hil_stack_size(void);

#endif
