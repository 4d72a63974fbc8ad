/* Stack use by painting: the free part is filled with a pattern, what is overwritten was used. */
#ifndef TINYHIL_STACK_H
#define TINYHIL_STACK_H

#include <stdint.h>

/* Paints the stack below the caller's frame. */
void stack_paint(void);

/* Most bytes of stack that were in use since the painting. */
uint32_t stack_high_water(void);

/* Bytes reserved for the stack. */
uint32_t stack_size(void);

#endif
