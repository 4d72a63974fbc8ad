/* Arm MPS2 with a Cortex-M System Design Kit image: AN385, AN386, AN500 and their like.
 * Addresses and interrupts: the Application Notes' chapters "Memory map" and "Interrupts". */
#ifndef TINYHIL_BOARD_H
#define TINYHIL_BOARD_H

#define BOARD_TIMER0       0x40000000u
#define BOARD_IRQ_TIMER0   8u
#define BOARD_UART0        0x40004000u
#define BOARD_UART1        0x40005000u
#define BOARD_IRQ_UART0_RX 0u

#endif
