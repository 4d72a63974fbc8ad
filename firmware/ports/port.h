/* What main.c asks of a port beside tinyhil.h, whose part "What the board gives" documents the
 * other functions of a port; docs/ports.md has them in a table. */
#ifndef TINYHIL_PORT_H
#define TINYHIL_PORT_H

#ifdef __cplusplus
extern "C" {
#endif

/* Starts clocks at full speed, UART (8N1 at HIL_BAUD) and timer, once, with interrupts masked and
 * after `tinyhil_init`.  Every byte received later goes, in interrupt context, to
 * `tinyhil_receive`.  It ends: an oscillator that does not start is told by `port_facts`. */
void port_init(void);

#ifdef __cplusplus
}
#endif

#endif
