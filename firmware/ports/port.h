/* What main.c asks of a port beside tinyhil.h, which says what the rest of a port is. */
#ifndef TINYHIL_PORT_H
#define TINYHIL_PORT_H

#ifdef __cplusplus
extern "C" {
#endif

/* Starts clocks, UART (8N1) and timer, once, with interrupts masked.  Every byte received later
 * goes, in interrupt context, to `tinyhil_receive`. */
void port_init(void);

#ifdef __cplusplus
}
#endif

#endif
