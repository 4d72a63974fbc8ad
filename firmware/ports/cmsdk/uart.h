/* UART of Arm's Cortex-M System Design Kit (CMSDK), as UART0 of the board; also port.h's
 * transmitter.  The board's board.h says where it is: BOARD_UART0, BOARD_IRQ_UART0_RX. */
#ifndef TINYHIL_CMSDK_UART_H
#define TINYHIL_CMSDK_UART_H

/* Starts transmitter, receiver and the receiver's interrupt. */
void cmsdk_uart_init(void);

/* Serves the receiver's interrupt: every byte goes to `tinyhil_receive`. */
void cmsdk_uart_interrupt(void);

#endif
