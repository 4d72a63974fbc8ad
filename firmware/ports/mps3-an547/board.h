/* Arm MPS3 with the Cortex-M55 image (AN547: Corstone SSE-300), in secure state throughout.
 * Addresses (secure aliases) and interrupts: Application Note AN547, SSE-300 TRM (101773). */
#ifndef TINYHIL_BOARD_H
#define TINYHIL_BOARD_H

#define BOARD_COUNTER      0x58100000u /* System counter, control frame. */
#define BOARD_UART0        0x59303000u
#define BOARD_UART1        0x59304000u
#define BOARD_IRQ_UART0_RX 33u

#endif
