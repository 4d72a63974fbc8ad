/* BBC micro:bit, version 1: nRF51822 at 16 MHz.  Pins: the board's schematic. */
#ifndef TINYHIL_BOARD_H
#define TINYHIL_BOARD_H

#define BOARD_UART_TX   24u /* To the debug probe's serial port. */
#define BOARD_UART_RX   25u
#define BOARD_STAMP_PIN 3u /* The large pad 0. */

/* Its flash has nothing to switch on. */
static inline void board_flash_init(void) {
}

static inline unsigned board_flash_speedups(void) {
    return 0;
}

#endif
