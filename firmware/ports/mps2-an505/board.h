/* Arm MPS2 with the Cortex-M33 image (AN505: IoT Kit), in secure state throughout.
 * Addresses (secure aliases) and interrupts: Application Note AN505, Arm IoT Kit (ECM0601256). */
#ifndef TINYHIL_BOARD_H
#define TINYHIL_BOARD_H

#define BOARD_TIMER0       0x50000000u
#define BOARD_IRQ_TIMER0   3u
#define BOARD_UART0        0x50200000u
#define BOARD_UART1        0x50201000u
#define BOARD_IRQ_UART0_RX 32u

#endif
