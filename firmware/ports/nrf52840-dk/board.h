/* Nordic nRF52840-DK: nRF52840 at 64 MHz, which its core always has.  Pins: the kit's user guide.
 */
#ifndef TINYHIL_BOARD_H
#define TINYHIL_BOARD_H

#include "cortex_m.h"
#include "tinyhil.h"

#define BOARD_UART_TX   6u /* P0.06, to the debug probe's serial port. */
#define BOARD_UART_RX   8u
#define BOARD_STAMP_PIN 40u /* P1.08, D7 of the Arduino connector. */

#define NVMC_ICACHECNF         REGISTER(0x4001e540u) /* PS 4.3.6: cache of the flash's code. */
#define NVMC_ICACHECNF_CACHEEN (1u << 0)

static inline void board_flash_init(void) {
    NVMC_ICACHECNF = NVMC_ICACHECNF_CACHEEN;
}

static inline unsigned board_flash_speedups(void) {
    return (NVMC_ICACHECNF & NVMC_ICACHECNF_CACHEEN) != 0u ? PORT_ICACHE : 0u;
}

#endif
