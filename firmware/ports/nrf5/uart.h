/* The UART behind the board's debug probe, as port.h's transmitter and receiver, without flow
 * control.  The board's board.h says on which pins: BOARD_UART_TX, BOARD_UART_RX. */
#ifndef TINYHIL_NRF5_UART_H
#define TINYHIL_NRF5_UART_H

/* Starts transmitter, receiver and the receiver's interrupt. */
void uart_init(void);

/* Serves the interrupt: every byte goes to `tinyhil_receive`. */
void uart_interrupt(void);

#endif
