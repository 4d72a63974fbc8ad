/* What a port calls. */
#ifndef TINYHIL_MAIN_H
#define TINYHIL_MAIN_H

#include <stdint.h>

/* Hands one received byte to the core; called in interrupt context. */
void main_receive(uint8_t byte);

int main(void);

#endif
