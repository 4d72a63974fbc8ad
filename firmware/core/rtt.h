/* SEGGER's Real Time Transfer: bytes that a debug probe puts into memory, and takes out of it,
 * while the core runs.
 *
 * The layout of the control block is SEGGER's, so that any RTT host finds its channels: one up,
 * one down.  The down channel has memory only between `hil_rtt_open` and `hil_rtt_close`.  The
 * probe's offsets are used only if they lie inside a channel. */
#ifndef TINYHIL_RTT_H
#define TINYHIL_RTT_H

#include <stdbool.h>
#include <stdint.h>

/* Makes the control block known, with closed channels. */
void hil_rtt_init(void);

/* Empties both channels; `bytes` becomes the down channel, which holds one byte less than `size`.
 */
void hil_rtt_open(uint8_t *bytes, uint32_t size);

/* Takes the down channel's memory away. */
void hil_rtt_close(void);

/* Takes the oldest byte of the down channel; false when there is none. */
bool hil_rtt_take(uint8_t *byte);

/* Puts a byte into the up channel; false when it is full. */
bool hil_rtt_put(uint8_t byte);

#endif
