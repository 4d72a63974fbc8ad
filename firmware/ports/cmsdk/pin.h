/* The time stamp pin of an emulated board, and what its core does: QEMU's boards have no pin to
 * watch, so both are told by UART1, which nothing else uses.  In energy mode alone. */
#ifndef TINYHIL_PIN_H
#define TINYHIL_PIN_H

#define PIN_FALLS  'E'
#define PIN_SLEEPS 'S' /* The core waits for an interrupt. */
#define PIN_WAKES  'W'

/* Sends what has happened, and the ticks since boot: 9 bytes, the lowest first. */
void pin_tell(char what);

/* To be called before `port_ticks` starts over. */
void pin_before_restart(void);

#endif
