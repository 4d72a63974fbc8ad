/* SEGGER's Real Time Transfer: bytes that a debug probe puts into memory while the core runs.
 *
 * The layout of the control block is SEGGER's, so that any RTT host finds and fills the channel.
 * Only one channel to the device is offered: answers come over the UART, so that the host never
 * has to poll the probe. */
#ifndef TINYHIL_RTT_H
#define TINYHIL_RTT_H

#include <stdbool.h>
#include <stdint.h>

/* Makes the control block known; what a former run left in the channel is dropped. */
void rtt_init(void);

/* Takes the oldest byte of the channel; false when there is none. */
bool rtt_take(uint8_t *byte);

/* Drops what the channel holds. */
void rtt_drop(void);

#endif
