/* The USART or LPUART behind the board's debug probe, as port.h's transmitter and receiver.  The
 * board's board.h says which: BOARD_UART and what belongs to it. */
#ifndef TINYHIL_STM32L4_UART_H
#define TINYHIL_STM32L4_UART_H

/* Starts transmitter, receiver and the receiver's interrupt; its clock and pins are on. */
void uart_init(void);

/* Serves the interrupt: every byte goes to `tinyhil_receive`. */
void uart_interrupt(void);

#endif
